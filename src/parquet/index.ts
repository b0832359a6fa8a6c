/** The door `ocsf-lake/parquet`: events with known fields into Parquet files. */
export { type Codec, type CodecName, portableCodec, snappy, uncompressed, zstd } from './codec.js'
export { flatten } from './flatten.js'
export { type Leaf, type List, type ParquetSchema, parquetSchema, type SchemaNode, type StringMap, type Struct } from './schema.js'
export { createParquetWriter, type ParquetOptions, type ParquetWriter } from './write.js'
