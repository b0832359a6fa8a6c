/** What importing a door takes in a fresh process: what a function pays before its first event. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { DATA } from './generate.js'
import { median, say } from './measure.js'
import { output } from './run.js'

export interface ColdStart {
  readonly door: string
  /** Milliseconds from the call of `import` to its end, median and best of the rounds. */
  readonly medianMs: number
  readonly bestMs: number
}

/** The built file of each door, and what it must export. */
const DOORS: Readonly<Record<string, { readonly path: string; readonly exports: string }>> = {
  'ocsf-lake': { path: 'index.js', exports: 'convert' },
  'ocsf-lake/sources/vpc-flow': { path: 'sources/vpc-flow.js', exports: 'vpcFlow' },
  'ocsf-lake/sources/cloudtrail': { path: 'sources/cloudtrail.js', exports: 'cloudtrail' },
  'ocsf-lake/node': { path: 'node.js', exports: 'convertFiles' },
  'ocsf-lake/lambda': { path: 'lambda.js', exports: 'createHandler' },
}

/** Builds the package as it is published, then imports each door in turn, round by round. */
export async function coldStarts(rounds: number): Promise<readonly ColdStart[]> {
  const built = join(DATA, 'dist')
  await rm(built, { recursive: true, force: true })
  await output(['npx', 'tsup', '--out-dir', built, '--silent', '--config', fileURLToPath(new URL('../tsup.config.ts', import.meta.url))])
  const times = new Map<string, number[]>(Object.keys(DOORS).map(door => [door, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [door, { path, exports }] of Object.entries(DOORS)) {
      const program = `const start = performance.now(); const door = await import(${JSON.stringify(pathToFileURL(join(built, path)).href)}); const ms = performance.now() - start
if (door.${exports} === undefined) throw new Error('${door} does not export ${exports}')
console.log(ms)`
      times.get(door)!.push(Number(await output([process.execPath, '--input-type=module', '--eval', program])))
    }
    say(`cold start, round ${round + 1}/${rounds}`)
  }
  return [...times].map(([door, all]) => ({ door, medianMs: median(all), bestMs: Math.min(...all) }))
}
