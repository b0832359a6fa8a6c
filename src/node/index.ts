/** The `ocsf-lake/node` door: files, gzip and the command. */
export { main } from './cli.js'
export { nodeCodec } from './codecs.js'
export { convertFiles } from './convert-files.js'
export { gunzip, isGzip } from './gunzip.js'
export { findInputs, type Input } from './inputs.js'
export type { ConvertFilesOptions, Progress } from './options.js'
export { reportText } from './text.js'
