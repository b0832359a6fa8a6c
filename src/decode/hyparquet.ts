/** Owns hyparquet: the modules themselves, since the package's own index brings queries, scans and fs into every bundle. */
export { parquetHeader } from 'hyparquet/src/column.js'
export { decompressPage, readDataPage } from 'hyparquet/src/datapage.js'
export { deltaBinaryUnpack } from 'hyparquet/src/delta.js'
export { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js'
export { parquetMetadata, parquetSchema } from 'hyparquet/src/metadata.js'
export { readPlain } from 'hyparquet/src/plain.js'
export { parquetRead } from 'hyparquet/src/read.js'
export { getMaxDefinitionLevel, getMaxRepetitionLevel } from 'hyparquet/src/schema.js'
export type {
  ColumnData,
  ColumnDecoder,
  ColumnMetaData,
  Compressors,
  DecodedArray,
  FileMetaData,
  PageHeader,
  RowGroup,
  SchemaTree,
} from 'hyparquet/src/types.js'
