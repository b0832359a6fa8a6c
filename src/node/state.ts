/** Reports of finished units, kept so that a run that was cut off need not convert them again. */
import { hashOf } from '../lake/object-key.js'
import { addsUp, emptyReport, mergeReport, type Report } from '../lake/report.js'
import { VERSION } from '../version.js'
import type { UnitSettings } from './convert-unit.js'
import { openStore } from './store.js'

export interface State {
  /** The report of a unit that was finished by the same version with the same options; its objects stay as they are. */
  find(unitHash: string): Promise<Report | undefined>
  /** Keeps the report of a finished unit, unless the next run may fare better. */
  keep(unitHash: string, report: Report): Promise<void>
}

/** Below `settings.state`, which may be undefined: then nothing is found or kept. */
export function openState(settings: UnitSettings): State {
  if (settings.state === undefined) return { find: async () => undefined, keep: async () => {} }
  const store = openStore(settings.state, settings.s3)
  const fingerprint = fingerprintOf(settings)
  const keyOf = (unitHash: string): string => `${unitHash}.json`
  return {
    async find(unitHash) {
      const bytes = await store.get(keyOf(unitHash))
      const kept = bytes === undefined ? undefined : reportIn(bytes, fingerprint)
      if (kept === undefined) return undefined
      const report = emptyReport(settings.ocsf)
      mergeReport(report, { ...kept, objects: kept.objects.map(object => ({ ...object, put: 'unchanged' })) })
      report.resumed = 1
      return report
    },
    async keep(unitHash, report) {
      if (Object.values(report.rejected).some(rules => 'input_unreadable' in rules)) return
      await store.put({ key: keyOf(unitHash), bytes: new TextEncoder().encode(JSON.stringify({ fingerprint, report })) })
    },
  }
}

/** All that the objects, the rejects and the report of a unit depend on, besides its bytes. */
function fingerprintOf({ state: _, s3: __, source, sources, ...settings }: UnitSettings): string {
  const versions = (source === undefined ? sources : [source]).map(({ id, mappingVersion }) => [id, mappingVersion])
  return hashOf(VERSION, JSON.stringify([settings, source?.id, versions]))
}

/** Undefined when it was made with other options, or is no whole report: the unit is converted again. */
function reportIn(bytes: Uint8Array, fingerprint: string): Report | undefined {
  try {
    const kept = JSON.parse(new TextDecoder().decode(bytes)) as { readonly fingerprint?: unknown; readonly report: Report } // by keep, if the fingerprint says so
    if (kept.fingerprint !== fingerprint) return undefined
    const rows = kept.report.objects.reduce((sum, object) => sum + object.rows, 0)
    return addsUp(kept.report) && rows === kept.report.records.written ? kept.report : undefined
  } catch {
    return undefined
  }
}
