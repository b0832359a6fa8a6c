/** What VPC and Transit Gateway flow logs have in common: key, delivery formats, and the parts every event shares. */
import { cellsOf, fieldName, isHeader, type TableFields } from '../../decode/table.js'
import { isIp } from '../../ocsf/ip.js'
import type { Context, Head } from '../source.js'

// ---- recognition ----

/** Whether a key is in a flow log's folder or has its file name; both kinds share `vpcflowlogs`. */
export function hasFlowLogKey(key: string): boolean {
  const parts = key.split('/')
  const file = parts.at(-1)!
  return file.includes('_vpcflowlogs_') || parts.some(part => part === 'vpcflowlogs' || part === 'aws-service=vpcflowlogs' || part === 'service=vpcflowlogs')
}

/** The first line that is not blank, as far as it is in the head. */
export function firstLine({ text }: Head): string {
  const start = text.search(/[^\s\uFEFF]/)
  if (start === -1) return ''
  const end = text.indexOf('\n', start)
  return text.slice(start, end === -1 ? text.length : end).trimEnd()
}

/** The names in a header line, or the keys of a JSON record; empty when the line names no fields. */
export function namesIn(line: string, fields: TableFields): readonly string[] {
  if (line.startsWith('{')) return Array.from(line.matchAll(/"([\w-]+)"\s*:/g), match => fieldName(match[1]!))
  const cells = cellsOf(line)
  return cells !== undefined && isHeader(cells, fields) ? cells.map(fieldName) : []
}

/** Transit Gateway names that no VPC flow log has. */
export function isTransitGateway(names: readonly string[]): boolean {
  return names.some(name => name.startsWith('tgw-') || name.startsWith('packets-lost-'))
}

/** Whether header-less cells are a row of the Transit Gateway default format, also as it was with fewer fields. */
export function isTransitGatewayRow(cells: readonly string[]): boolean {
  return cells.length >= 33 && cells.length <= 36 && cells[1]!.startsWith('TransitGateway')
}

/** Names that other logs with addresses and ports (resolver query logs, say) do not have. */
const TELLING: ReadonlySet<string> = new Set([
  'dstaddr',
  'pkt-srcaddr',
  'pkt-dstaddr',
  'interface-id',
  'log-status',
  'flow-direction',
  'traffic-path',
  'tgw-id',
])

/** Whether names are those of a flow log: three known ones, half of all, and one that tells it from other logs. */
export function areFlowLogNames(names: readonly string[], fields: TableFields): boolean {
  const known = names.filter(name => Object.hasOwn(fields, name)).length
  return known >= 3 && known * 2 >= names.length && names.some(name => TELLING.has(name))
}

// ---- parts of an event ----

export interface Cloud {
  readonly provider: string
  readonly region: string | undefined
  readonly zone: string | undefined
  readonly account: { readonly uid: string } | undefined
}

/** Values from logs are the keys: a hostile log must not make a cache grow for ever. */
const MOST_CACHED = 4096

/** One `cloud` object per account, region and zone, so that equal ones are the same object. */
export function cloudCache(): (account: string | undefined, region: string | undefined, zone: string | undefined) => Cloud {
  // by account, then by the narrower of the two places: a key made of all three costs more than the rest of an event's cloud
  const accounts = new Map<string | undefined, Map<string | undefined, Cloud>>()
  let cached = 0
  let last: Cloud | undefined
  return (account, region, zone) => {
    if (last !== undefined && last.zone === zone && last.region === region && last.account?.uid === account) return last
    let places = accounts.get(account)
    last = places?.get(zone ?? region)
    if (last !== undefined && last.zone === zone && last.region === region) return last
    if (++cached > MOST_CACHED) {
      accounts.clear()
      cached = 1
    }
    places = accounts.get(account) ?? new Map<string | undefined, Cloud>()
    accounts.set(account, places)
    last = { provider: 'AWS', region, zone, account: account === undefined ? undefined : { uid: account } }
    places.set(zone ?? region, last)
    return last
  }
}

export interface Metadata {
  readonly product: { readonly name: string; readonly vendor_name: string; readonly version: string | undefined; readonly feature: { readonly name: string } }
}

/** One `metadata` object per version of the log format. */
export function metadataCache(productName: string, feature = 'Flowlogs'): (version: string | undefined) => Metadata {
  const cache = new Map<string | undefined, Metadata>()
  return version => {
    let metadata = cache.get(version)
    if (metadata === undefined) {
      if (cache.size === MOST_CACHED) cache.clear()
      metadata = { product: { name: productName, vendor_name: 'AWS', version, feature: { name: feature } } }
      cache.set(version, metadata)
    }
    return metadata
  }
}

/** The text where it is an IP address. */
export function ipIn(text: string | undefined): string | undefined {
  return text !== undefined && isIp(text) ? text : undefined
}

// Maps, not objects, where the key is text from a log: it may say `constructor`.
const PROTOCOL_VERSION: ReadonlyMap<string, 4 | 6> = new Map([
  ['IPv4', 4],
  ['IPv6', 6],
])

/** `protocol_ver_id` of the `type` field (EFA traffic is neither), else of an address. */
export function protocolVersion(type: string | undefined, ip: string | undefined): 4 | 6 | 99 | undefined {
  if (type !== undefined) return PROTOCOL_VERSION.get(type) ?? 99
  return ip === undefined ? undefined : ip.includes(':') ? 6 : 4
}

const DIRECTION: ReadonlyMap<string, 1 | 2> = new Map([
  ['ingress', 1],
  ['egress', 2],
])

/** `direction_id` of the `flow-direction` field; 0 where the format does not have it. */
export function directionId(direction: string | undefined): 0 | 1 | 2 | 99 {
  return direction === undefined ? 0 : (DIRECTION.get(direction) ?? 99)
}

/**
 * Epoch milliseconds of an event: when the window started or, failing that, ended (both epoch seconds), else the time
 * in the file name.
 */
export function flowTime(start: number | undefined, end: number | undefined, context: Pick<Context, 'fileTime'>): number | undefined {
  const seconds = start ?? end
  return seconds === undefined ? context.fileTime : seconds * 1000
}

/** Milliseconds, or `undefined` when the log has no seconds. */
export function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000
}

/** Milliseconds between two epoch seconds, where it is a span that OCSF 1.1 can hold: 32 bits, 24 days. */
export function durationBetween(start: number | undefined, end: number | undefined): number | undefined {
  if (start === undefined || end === undefined) return undefined
  const ms = (end - start) * 1000
  return ms >= 0 && ms < 2 ** 31 ? ms : undefined
}
