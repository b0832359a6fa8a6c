/** How far a run is, for people. */
import { Presets, SingleBar } from 'cli-progress'
import type { Progress } from './options.js'

/** A bar on a terminal, nothing where stderr is piped. */
export function progressBar(): { readonly update: (progress: Progress) => void; readonly stop: () => void } {
  if (!process.stderr.isTTY) return { update() {}, stop() {} }
  const bar = new SingleBar(
    { stream: process.stderr, format: '{bar} {percentage}% | {filesDone}/{files} files | {records} records', clearOnComplete: true, hideCursor: true },
    Presets.shades_classic,
  )
  let started = false
  return {
    update({ bytes, bytesDone, files, filesDone, records }) {
      if (!started) bar.start(bytes, 0, { files, filesDone, records })
      started = true
      bar.update(bytesDone, { files, filesDone, records })
    },
    stop() {
      if (started) bar.stop()
    },
  }
}
