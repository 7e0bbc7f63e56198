import { isSoftwareName, type Device } from './device.js';

/** The used part of tfjs's MathBackendWebGL. */
export interface WebGlBackend {
  readonly gpgpu: { readonly gl: WebGL2RenderingContext };
}

export class WebGlDevice implements Device {
  readonly description: string;
  readonly isSoftware: boolean;
  readonly lost: Promise<never>;
  readonly #gl: WebGL2RenderingContext;

  constructor({ gpgpu: { gl } }: WebGlBackend) {
    this.#gl = gl;
    this.description = rendererName(gl);
    this.isSoftware = isSoftwareName(this.description);
    this.lost = new Promise((_resolve, reject) => {
      // The browser may restore the context, but without textures and programs.
      gl.canvas.addEventListener('webglcontextlost', () => {
        reject(new Error('The WebGL context was lost.'));
      });
    });
    // The loss may come between two calls. The next call then rejects with it.
    this.lost.catch(() => undefined);
  }

  /** Bad GLSL throws in tfjs. Other errors, such as a lack of memory, are found only here. */
  async settle(): Promise<void> {
    const codes: string[] = [];
    for (let code = this.#gl.getError(); code !== this.#gl.NO_ERROR; code = this.#gl.getError()) {
      codes.push(`0x${code.toString(16)}`);
    }
    // A loss comes as an event, and says more than the errors that follow from it.
    await Promise.race([this.lost, new Promise((resolve) => setTimeout(resolve, 0))]);
    if (codes.length > 0) throw new Error(`WebGL reported the error ${codes.join(', ')}.`);
  }
}

function rendererName(gl: WebGL2RenderingContext): string {
  const extension = gl.getExtension('WEBGL_debug_renderer_info');
  return String(gl.getParameter(extension?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
}
