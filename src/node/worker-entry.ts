/** Where a worker thread finds its program. */

/** `worker.js` beside this module in the package; `worker.ts` by way of tsx where the sources of this package run without a build. */
export function workerEntry(): URL {
  if (!import.meta.url.endsWith('.ts')) return new URL('./worker.js', import.meta.url)
  const worker = new URL('./worker.ts', import.meta.url).href
  const program = `(await import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))})).register(); await import(${JSON.stringify(worker)})`
  return new URL(`data:text/javascript,${encodeURIComponent(program)}`)
}
