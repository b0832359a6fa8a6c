/** Adds up how far the units of a run are. */
import type { UnitProgress } from './convert-unit.js'
import type { Input } from './inputs.js'
import type { Progress } from './options.js'
import type { Unit } from './units.js'

export interface RunProgress {
  /** The latest of a unit under way. */
  update(unit: Unit, progress: UnitProgress): void
  done(unit: Unit, records: number): void
}

export function createProgress(inputs: readonly Input[], onProgress: ((progress: Progress) => void) | undefined): RunProgress {
  const sizeOf = (some: readonly Input[]): number => some.reduce((sum, { size }) => sum + size, 0)
  const files = inputs.length
  const bytes = sizeOf(inputs)
  const running = new Map<Unit, UnitProgress>()
  const ended = { filesDone: 0, bytesDone: 0, records: 0 }
  const tell = (): void => {
    const total = { ...ended }
    for (const { filesDone, bytesDone, records } of running.values()) {
      total.filesDone += filesDone
      total.bytesDone += bytesDone
      total.records += records
    }
    onProgress?.({ files, bytes, ...total })
  }
  return {
    update(unit, progress) {
      running.set(unit, progress)
      tell()
    },
    done(unit, records) {
      running.delete(unit)
      ended.filesDone += unit.inputs.length
      ended.bytesDone += sizeOf(unit.inputs)
      ended.records += records
      tell()
    },
  }
}
