/** The tables of a lake: one per source and class, with the columns that the writer gives their objects. */
import { type ColumnTree, classFields } from '../ocsf/columns.js'
import { DEFAULT_VERSION, loadFacts, type OcsfVersion } from '../ocsf/facts.js'
import type { ClassName } from '../ocsf/generated/types.js'
import { parquetSchema, type SchemaNode } from '../parquet/schema.js'

/** What a table needs to know of a source. */
export interface TableSource {
  readonly id: string
  readonly lakeName?: string
  readonly columns: { readonly [C in ClassName]?: ColumnTree }
}

export interface LakeTable {
  readonly source: TableSource
  readonly classUid: number
  /** As OCSF writes it, e.g. `Network Activity`. */
  readonly className: string
  readonly version: OcsfVersion
  /** The top-level columns of the objects. */
  readonly columns: readonly SchemaNode[]
}

/** The tables of a source at an OCSF version, in the order its classes are declared; a class newer than the version has none. */
export async function lakeTables(source: TableSource, version: OcsfVersion = DEFAULT_VERSION): Promise<LakeTable[]> {
  const facts = await loadFacts(version)
  return Object.entries(source.columns).flatMap(([name, declared]) => {
    // the keys are class names by their type
    const fields = classFields(facts, name as ClassName, declared)
    if (fields === undefined) return []
    const { uid, caption } = fields.type
    return [{ source, classUid: uid, className: caption, version, columns: parquetSchema(fields.fields).columns }]
  })
}
