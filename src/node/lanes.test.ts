/** The lanes of one thread: units overlap where they wait for files, never where they are converted. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SOURCES } from '../sources/index.js'
import type { AnySource } from '../sources/source.js'
import { vpcFlow } from '../sources/vpc-flow.js'
import { createUnitConverter, type UnitDoors, unitSettings } from './convert-unit.js'
import type { Input } from './inputs.js'
import { createTurns, openLanes, runLanes } from './lanes.js'
import type { LineSink } from './sinks.js'
import { createNames, type Unit } from './units.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ocsf-lake-lanes-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const HEADER = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n'
const flow = (unit: number, n: number) =>
  `2 123456789012 eni-0a1b2c3d4e5f607${unit}8 192.0.2.${n % 250} 198.51.100.7 ${1024 + n} 443 6 10 840 1714521600 1714521660 ACCEPT OK\n`

/** What happened, in its order. */
let told: string[]
beforeEach(() => {
  told = []
})

/** Tells when it is opened and read to its end; its content comes in two pieces, the first after so many milliseconds. */
function input(key: string, unit: number, ms = 0): Input {
  const lines = Array.from({ length: 2000 }, (_, n) => flow(unit, n))
  const pieces = [HEADER + lines.slice(0, 1000).join(''), lines.slice(1000).join('')]
  let opened = 0
  return {
    path: `/${key}`,
    key,
    size: pieces.join('').length,
    async *open() {
      if (opened++ > 0) told.push(`${key} opened`) // after the first time, which is for its name
      await new Promise(resolve => setTimeout(resolve, ms))
      for (const piece of pieces) yield Buffer.from(piece)
      if (opened > 1) told.push(`${key} read`)
    },
  }
}

/** Tells the unit of each record that is mapped. */
const flows: AnySource = vpcFlow
const telling: AnySource = {
  ...flows,
  copies: undefined,
  map(record, context) {
    const unit = `${context.key} mapped`
    if (told.at(-1) !== unit) told.push(unit)
    return flows.map(record, context)
  },
}

const settings = (out: string | undefined) => unitSettings({ out, source: telling, sources: [...SOURCES, telling] })

async function run(units: readonly Unit[], out: string | undefined, lines?: LineSink) {
  const names = createNames()
  const doors: UnitDoors = { claim: names.claim, onProgress() {}, lines }
  const done: number[] = []
  const error: unknown = await runLanes(units, openLanes(await createUnitConverter(settings(out), undefined), doors), {
    async done({ index }, { report }) {
      expect(report.records).toMatchObject({ in: 2000 * units[index]!.inputs.length, rejected: 0 })
      told.push(`${index} done`)
      done.push(index)
    },
    failed: names.fail,
  }).catch((cause: unknown) => cause)
  return { error, done }
}

const units = (...inputs: readonly Input[]): Unit[] => inputs.map((one, index) => ({ index, inputs: [one] }))
const at = (what: string): number => {
  const found = told.indexOf(what)
  expect(found, `${what} in ${told.join(', ')}`).toBeGreaterThan(-1)
  return found
}

describe('the lanes of a thread', () => {
  it('open a unit while the one before it is converted, and convert one at a time', async () => {
    const { error, done } = await run(units(input('a.log', 0, 60), input('b.log', 1), input('c.log', 2)), join(folder, 'lake'))
    expect(error).toBeUndefined()
    expect([...done].sort()).toEqual([0, 1, 2])
    expect(told.filter(what => what.endsWith('mapped'))).toEqual(['a.log mapped', 'b.log mapped', 'c.log mapped'])
    expect(at('b.log opened')).toBeLessThan(at('a.log mapped'))
    expect(at('a.log read')).toBeLessThan(at('b.log mapped'))
    expect(at('b.log read')).toBeLessThan(at('c.log mapped'))
  })

  it('read no more of a unit than its first bytes before its turn', async () => {
    let opened = 0
    const large: Input = {
      ...input('b.parquet', 1),
      async *open() {
        const isFirst = ++opened === 1 // for its name
        for (let piece = 0; piece < 3; piece++) {
          if (!isFirst) told.push(`b.parquet ${piece}`)
          yield Buffer.from('PAR1'.repeat(1000))
        }
      },
    }
    const names = createNames()
    const lanes = openLanes(await createUnitConverter(settings(join(folder, 'lake')), undefined), { claim: names.claim, onProgress() {}, lines: undefined })
    const rejected: number[] = []
    await runLanes(units(input('a.log', 0, 60), large), lanes, {
      async done({ index }, { report }) {
        rejected[index] = report.records.rejected
      },
      failed: names.fail,
    })
    expect(rejected).toEqual([0, 1])
    expect(at('b.parquet 0')).toBeLessThan(at('a.log mapped'))
    expect(at('b.parquet 1')).toBeGreaterThan(at('a.log read'))
  })

  it('open the next input of a unit while one is converted', async () => {
    const group = { index: 0, inputs: [input('a.log', 0, 60), input('b.log', 1)] }
    expect((await run([group], join(folder, 'lake'))).done).toEqual([0])
    expect(told.filter(what => !what.endsWith('read'))).toEqual(['a.log opened', 'b.log opened', 'a.log mapped', 'b.log mapped', '0 done'])
  })

  it('write the lines of units in their order, however long each takes to open', async () => {
    const written: string[] = []
    const lines: LineSink = {
      async write(_name, text) {
        for (const [, unit] of text.matchAll(/"eni-0a1b2c3d4e5f607(\d)8"/g)) if (written.at(-1) !== unit) written.push(unit!)
      },
      close: async () => [],
    }
    const { done } = await run(units(input('a.log', 0, 60), input('b.log', 1), input('c.log', 2, 30), input('d.log', 3)), undefined, lines)
    expect([...done].sort()).toEqual([0, 1, 2, 3])
    expect(written).toEqual(['0', '1', '2', '3'])
  })

  it('take no unit behind one that failed', async () => {
    const failing: LineSink = { write: async () => Promise.reject(new RangeError('no room')), close: async () => [] }
    const { error, done } = await run(units(input('a.log', 0), input('b.log', 1), input('c.log', 2)), undefined, failing)
    expect(error).toBeInstanceOf(RangeError)
    expect(done).toEqual([])
    expect(told.some(what => what.startsWith('c.log'))).toBe(false)
  })

  it('write what was converted before the one that fails', async () => {
    const out = join(folder, 'lake')
    const names = createNames()
    const convert = await createUnitConverter(settings(out), undefined)
    const doors: UnitDoors = { claim: names.claim, onProgress() {}, lines: undefined }
    writeFileSync(join(folder, 'in-the-way'), '')
    const inTheWay = await createUnitConverter(settings(join(folder, 'in-the-way')), undefined)
    const one: typeof convert = (unit, given) => (unit.index === 1 ? inTheWay : convert)(unit, given)
    const done: number[] = []
    const running = runLanes(units(input('a.log', 0), input('b.log', 1), input('c.log', 2)), openLanes(one, doors), {
      done: async ({ index }) => void done.push(index),
      failed: names.fail,
    })
    await expect(running).rejects.toMatchObject({ code: 'output_unwritable' })
    expect(done).toContain(0)
    const objects = readdirSync(out, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    expect(objects.length).toBe(done.length)
    for (const { parentPath, name } of objects) expect(readFileSync(join(parentPath, name)).subarray(-4).toString()).toBe('PAR1')
  })
})

describe('turns', () => {
  it('come in the order in which they are asked for, each when the one before has ended', async () => {
    const turn = createTurns()
    const [a, b, c] = [turn(), turn(), turn()]
    void c.then(() => told.push('c'))
    void b.then(end => {
      told.push('b')
      end()
    })
    const end = await a
    told.push('a')
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(told).toEqual(['a'])
    end()
    end()
    await c
    expect(told).toEqual(['a', 'b', 'c'])
  })
})
