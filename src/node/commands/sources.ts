/** `ocsf-lake sources`. */
import { SOURCES } from '../../sources/index.js'
import { sourcesText } from '../text.js'
import type { CliCommand } from './command.js'

export const sources: CliCommand<{ readonly json?: boolean }> = {
  name: 'sources',
  text: 'list the sources that are supported',
  options: [{ flags: '--json', text: 'as JSON' }],
  async run(_args, { json }) {
    const rows = SOURCES.map(({ id, title, spec, columns }) => ({ id, title, classes: Object.keys(columns), spec }))
    process.stdout.write(json ? `${JSON.stringify(rows, null, 2)}\n` : sourcesText(rows))
    return 0
  },
}
