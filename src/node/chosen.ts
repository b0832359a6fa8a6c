/** Which sources and classes a call names. */
import { OcsfLakeError } from '../errors.js'
import type { LakeTable } from '../lake/tables.js'
import type { OcsfVersion } from '../ocsf/facts.js'
import { CLASS_UIDS } from '../ocsf/generated/types.js'
import { SOURCES } from '../sources/index.js'
import type { AnySource } from '../sources/source.js'

/** @throws OcsfLakeError `source_unknown` */
export function chosenSources(ids: readonly string[] | undefined): readonly AnySource[] {
  if (ids === undefined) return SOURCES
  return ids.map(id => {
    const source = SOURCES.find(one => one.id === id)
    if (source === undefined) throw new OcsfLakeError('source_unknown', `There is no source ${id}: use one of ${SOURCES.map(one => one.id).join(', ')}.`)
    return source
  })
}

/**
 * The tables of the named classes: uids or OCSF names.
 *
 * @throws OcsfLakeError `class_unknown` when one is in none of the tables
 */
export function chosenClasses(tables: readonly LakeTable[], names: readonly string[] | undefined, version: OcsfVersion): readonly LakeTable[] {
  if (names === undefined) return tables
  const uids = new Map<string, number>(Object.entries(CLASS_UIDS))
  const wanted = new Set(
    names.map(name => {
      const uid = uids.get(name) ?? Number(name)
      if (tables.some(({ classUid }) => classUid === uid)) return uid
      const there = [...new Set(tables.map(({ classUid }) => classUid))].sort((a, b) => a - b)
      throw new OcsfLakeError('class_unknown', `Class ${name} is in no table of these sources at OCSF ${version}: use one of ${there.join(', ')}.`)
    }),
  )
  return tables.filter(({ classUid }) => wanted.has(classUid))
}
