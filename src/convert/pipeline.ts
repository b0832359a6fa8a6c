/** What a source needs at a version, compiled once. */
import { OcsfLakeError } from '../errors.js'
import { type ClassFields, classFields, columnTree } from '../ocsf/columns.js'
import { completer } from '../ocsf/complete.js'
import { DEFAULT_VERSION, isVersion, loadFacts, type OcsfVersion, VERSIONS } from '../ocsf/facts.js'
import { CLASS_UIDS, type ClassName } from '../ocsf/generated/types.js'
import { lowerer } from '../ocsf/lower.js'
import { type MappedClass, mappedClass } from '../ocsf/mapped.js'
import { classValidator } from '../ocsf/validate.js'
import type { AnySource } from '../sources/source.js'

interface ClassPipeline {
  readonly columns: ClassFields
  readonly lower: ReturnType<typeof lowerer>
  readonly complete: ReturnType<typeof completer>
  readonly validate: Awaited<ReturnType<typeof classValidator>>
  /** What lets a mapped event pass without the three steps above; absent for a class with rules it does not know. */
  readonly mapped: MappedClass | undefined
}

/** Everything compiled for one source at one version. */
export interface Pipeline {
  readonly version: OcsfVersion
  readonly source: AnySource
  /** Whether events get `observables`. */
  readonly observables: boolean
  /** By class uid: the classes of the source that the version has. */
  readonly classes: ReadonlyMap<number, ClassPipeline>
}

const pipelines = new WeakMap<AnySource, Map<string, Promise<Pipeline>>>()

/**
 * Compiles a source for a version, once.
 *
 * @throws OcsfLakeError `version_unknown`, `columns_invalid`
 */
export async function loadPipeline(source: AnySource, version: OcsfVersion = DEFAULT_VERSION, observables = true): Promise<Pipeline> {
  if (!isVersion(version)) throw new OcsfLakeError('version_unknown', `OCSF version ${String(version)} is not supported: use one of ${VERSIONS.join(', ')}.`)
  const byVersion = pipelines.get(source) ?? new Map<string, Promise<Pipeline>>()
  pipelines.set(source, byVersion)
  const key = `${version} ${observables}`
  const pipeline = byVersion.get(key) ?? compile(source, version, observables)
  byVersion.set(key, pipeline)
  return pipeline
}

async function compile(source: AnySource, version: OcsfVersion, observables: boolean): Promise<Pipeline> {
  const facts = await loadFacts(version)
  if (!observables) {
    const { classes, ...rest } = await loadPipeline(source, version)
    const without = ([uid, pipeline]: [number, ClassPipeline]) => [uid, { ...pipeline, complete: completer(facts, pipeline.columns, { observables }) }] as const
    return { ...rest, observables, classes: new Map([...classes].map(without)) }
  }
  const classes = new Map<number, ClassPipeline>()
  for (const [name, declared] of Object.entries(source.columns)) {
    const className = name as ClassName // the keys of DeclaredColumns are class names
    const columns = classFields(facts, className, declared)
    if (columns === undefined) continue
    classes.set(CLASS_UIDS[className], {
      columns,
      lower: lowerer(facts, CLASS_UIDS[className], columnTree(declared)),
      complete: completer(facts, columns, { observables }),
      validate: await classValidator(facts, columns),
      mapped: mappedClass(facts, columns),
    })
  }
  return { version, source, observables, classes }
}
