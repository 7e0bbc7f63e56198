import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';

/**
 * Writes the same files as the `file://` handler of tfjs-node. Both write in place and do not wait for the disk.
 * Plain TensorFlow.js has no such handler in Node.
 *
 * @see tfjs-node/src/io/file_system.ts
 */
export function fileHandler(folder: string): tf.io.IOHandler {
  return {
    save: async ({ weightData, weightSpecs, ...artifacts }) => {
      await mkdir(folder, { recursive: true });
      const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      await writeFile(join(folder, 'model.json'), JSON.stringify({ ...artifacts, weightsManifest }), 'utf8');
      // TensorFlow.js passes one buffer; the type allows several.
      const bytes = Buffer.concat([weightData ?? []].flat().map((buffer) => Buffer.from(buffer)));
      await writeFile(join(folder, 'weights.bin'), bytes);
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
    },
  };
}
