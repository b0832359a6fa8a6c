/** Charts as SVG text, readable on light and dark pages. */

const WIDTH = 720
const LEFT = 170
const COLOURS = ['#2563eb', '#9ca3af', '#d97706', '#059669']

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

function svg(height: number, title: string, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>text{font:13px system-ui,sans-serif;fill:#6b7280}.title{font-weight:600;font-size:15px}.value{font-weight:600}</style>`,
    `<text class="title" x="8" y="22">${escaped(title)}</text>`,
    ...body,
    '</svg>',
    '',
  ].join('\n')
}

export interface Bars {
  readonly label: string
  readonly values: Readonly<Record<string, number>>
}

/** Horizontal bars in groups; the same name has the same colour. */
export function barChart(title: string, unit: string, groups: readonly Bars[]): string {
  const names = [...new Set(groups.flatMap(({ values }) => Object.keys(values)))]
  const most = Math.max(...groups.flatMap(({ values }) => Object.values(values)))
  const body: string[] = []
  let y = 44
  for (const { label, values } of groups) {
    body.push(`<text x="8" y="${y + 9 + (names.length * 20) / 2}">${escaped(label)}</text>`)
    for (const name of names) {
      const value = values[name]
      if (value === undefined) continue
      const width = Math.max(1, (value / most) * (WIDTH - LEFT - 250))
      body.push(`<rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="16" rx="2" fill="${COLOURS[names.indexOf(name) % COLOURS.length]}"/>`)
      body.push(
        `<text x="${(LEFT + width + 6).toFixed(1)}" y="${y + 13}"><tspan class="value">${Math.round(value).toLocaleString('en-US')}</tspan> ${escaped(`${unit}, ${name}`)}</text>`,
      )
      y += 20
    }
    y += 14
  }
  return svg(y, title, body)
}

export interface Point {
  readonly x: number
  readonly values: Readonly<Record<string, number>>
}

/** Lines over a common x axis; both axes start at zero. */
export function lineChart(title: string, xUnit: string, yUnit: string, points: readonly Point[]): string {
  const names = [...new Set(points.flatMap(({ values }) => Object.keys(values)))]
  const [top, bottom, left, right] = [44, 300, 60, WIDTH - 150]
  const xMost = Math.max(...points.map(({ x }) => x))
  const yMost = Math.max(...points.flatMap(({ values }) => Object.values(values))) * 1.1
  const x = (value: number): string => (left + (value / xMost) * (right - left)).toFixed(1)
  const y = (value: number): string => (bottom - (value / yMost) * (bottom - top)).toFixed(1)
  const body = [`<path d="M${left} ${top}V${bottom}H${right}" fill="none" stroke="#9ca3af"/>`]
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const value = Math.round((yMost / 1.1) * part)
    body.push(`<text x="${left - 8}" y="${Number(y(value)) + 4}" text-anchor="end">${value}</text>`)
  }
  for (const point of points) body.push(`<text x="${x(point.x)}" y="${bottom + 18}" text-anchor="middle">${Math.round(point.x)}</text>`)
  body.push(`<text x="${right}" y="${bottom + 36}" text-anchor="end">${escaped(xUnit)}</text>`, `<text x="8" y="${top - 6}">${escaped(yUnit)}</text>`)
  for (const [at, name] of names.entries()) {
    const colour = COLOURS[at % COLOURS.length]!
    const some = points.filter(({ values }) => values[name] !== undefined)
    body.push(`<polyline fill="none" stroke="${colour}" stroke-width="2" points="${some.map(point => `${x(point.x)},${y(point.values[name]!)}`).join(' ')}"/>`)
    for (const point of some) body.push(`<circle r="3" cx="${x(point.x)}" cy="${y(point.values[name]!)}" fill="${colour}"/>`)
    const last = some.at(-1)!
    body.push(`<text x="${Number(x(last.x)) + 8}" y="${Number(y(last.values[name]!)) + 4}" style="fill:${colour}">${escaped(name)}</text>`)
  }
  return svg(bottom + 48, title, body)
}
