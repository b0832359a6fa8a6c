/** Results as Markdown. */
import type { WriterFigures } from './writers.js'

/** The first column is text, the others are figures. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

export function writerTable(results: readonly WriterFigures[]): string {
  const whole = (value: number): string => Math.round(value).toLocaleString('en-US')
  return markdownTable(
    ['', 'rows', 'bytes/row', 'wall ms', 'CPU ms', 'rows/s', 'wall ratio', 'CPU ratio', 'bytes ratio'],
    results.map(it => {
      const ratios = [it.wallRatio, it.cpuRatio, it.bytesRatio].map(ratio => (it.ours ? '' : `${ratio.toFixed(2)}x`))
      return [`${it.title}: ${it.contender}`, whole(it.rows), it.bytesPerRow.toFixed(1), whole(it.wallMs), whole(it.cpuMs), whole(it.rowsPerSecond), ...ratios]
    }),
  )
}
