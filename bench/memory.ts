/** Peak memory against the size of the input. */
import { dataset } from './generate.js'
import { median, say } from './measure.js'
import { type Contestant, run } from './run.js'

export interface MemoryPoint {
  readonly rawMiB: number
  /** Peak resident set by contestant, in MiB, median of the rounds. */
  readonly rssMiB: Readonly<Record<string, number>>
}

/** Flow logs of growing size, in files of the same size. */
export async function memory(contestants: readonly Contestant[], scales: readonly number[], seed: number, rounds: number): Promise<readonly MemoryPoint[]> {
  const points: MemoryPoint[] = []
  for (const scale of scales) {
    const data = await dataset({ kind: 'v2', scale, seed })
    const rssMiB: Record<string, number> = {}
    for (const contestant of contestants) {
      const peaks: number[] = []
      for (let round = 0; round < rounds; round++) peaks.push((await run(contestant, data)).rssBytes / 2 ** 20)
      rssMiB[contestant.name] = median(peaks)
      say(`memory, ${Math.round(data.rawBytes / 2 ** 20)} MiB raw: ${contestant.name} ${Math.round(rssMiB[contestant.name]!)} MiB`)
    }
    points.push({ rawMiB: data.rawBytes / 2 ** 20, rssMiB })
  }
  return points
}
