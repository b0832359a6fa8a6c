/** The `ocsf-lake/node` door: files, gzip and the command. */
export { main } from './cli.js'
export { nodeCodec } from './codecs.js'
export { type ConvertFilesOptions, convertFiles, type Progress } from './convert-files.js'
export { gunzip, isGzip } from './gunzip.js'
export { findInputs, type Input } from './inputs.js'
export { reportText } from './text.js'
