/** Units side by side: each lane takes the next unit as soon as it is free. */
import type { Report } from '../lake/report.js'
import type { UnitConverter, UnitDoors } from './convert-unit.js'
import type { WrittenLines } from './sinks.js'
import type { Unit } from './units.js'

export interface UnitResult {
  readonly report: Report
  /** NDJSON files of this unit that wait to be put behind those of the units before it. */
  readonly lines: readonly WrittenLines[]
}

/** Converts one unit after the other, in this thread or in another. */
export interface Lane {
  convert(unit: Unit): Promise<UnitResult>
  close(): Promise<void>
}

/**
 * The lanes of this thread, which converts the units of one at a time; those of the other are opened or written meanwhile,
 * so that it need not wait for files or for S3. Worker threads have one lane each: a unit that waits there for its turn might
 * find another thread free.
 */
export function openLanes(convert: UnitConverter, doors: UnitDoors): readonly Lane[] {
  const turn = createTurns()
  const lane: Lane = {
    convert: async unit => ({ report: await convert(unit, { ...doors, turn }), lines: [] }),
    close: async () => {},
  }
  return [lane, lane]
}

/** Turns of what must not be done at the same time, in the order in which they are asked for; what comes with a turn ends it. */
export function createTurns(): () => Promise<() => void> {
  let last = Promise.resolve()
  return () => {
    const before = last
    let end = (): void => {}
    last = new Promise(resolve => {
      end = resolve
    })
    return before.then(() => end)
  }
}

/**
 * Runs the units through the lanes. After a failure no lane takes another unit, but what is under way ends, so that no
 * half-written file stays; then the failure of the earliest unit is thrown, which is the one that a single lane meets.
 */
export async function runLanes(
  units: readonly Unit[],
  lanes: readonly Lane[],
  onUnit: { done(unit: Unit, result: UnitResult): Promise<void>; failed(unit: Unit): void },
): Promise<void> {
  const failures: { readonly unit: Unit; readonly cause: unknown }[] = []
  let next = 0
  const drive = async (lane: Lane): Promise<void> => {
    while (next < units.length && failures.length === 0) {
      const unit = units[next++]!
      try {
        await onUnit.done(unit, await lane.convert(unit))
      } catch (cause) {
        failures.push({ unit, cause })
        onUnit.failed(unit)
      }
    }
    await lane.close()
  }
  await Promise.all(lanes.map(drive))
  if (failures.length > 0) throw failures.sort((a, b) => a.unit.index - b.unit.index)[0]!.cause
}
