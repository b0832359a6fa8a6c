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

/** Converts one unit after the other, in this thread or in one of its own. */
export interface Lane {
  convert(unit: Unit): Promise<UnitResult>
  close(): Promise<void>
}

/** A lane in this thread. */
export function openLane(convert: UnitConverter, doors: UnitDoors): Lane {
  return {
    convert: async unit => ({ report: await convert(unit, doors), lines: [] }),
    close: async () => {},
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
