import * as tf from '@tensorflow/tfjs';

/** Downloads a file that the page has made. */
export function download(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // By then, the browser has begun to read it.
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 10_000);
}

/**
 * Saves a model as two downloads, `name.json` and `name.weights.bin`. TensorFlow.js has `downloads://` for that, but
 * bundlers leave out the module that registers it.
 */
export function downloadHandler(name: string): tf.io.IOHandler {
  return tf.io.withSaveHandler((artifacts) => {
    const { weightData, weightSpecs, ...rest } = artifacts;
    const weightsName = `${name}.weights.bin`;
    const weights = tf.io.CompositeArrayBuffer.join(weightData);
    const json = { ...rest, weightsManifest: [{ paths: [`./${weightsName}`], weights: weightSpecs }] };
    download(`${name}.json`, JSON.stringify(json), 'application/json');
    download(weightsName, weights, 'application/octet-stream');
    return Promise.resolve({ modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) });
  });
}
