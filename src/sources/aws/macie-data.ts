/** What Amazon Macie says of the bucket and the object of a finding, and of the sensitive data in it. */
import type { OcsfVersion } from '../../ocsf/facts.js'
import { hasModernFindings, type Resource, resourceOf, type Surroundings } from './finding.js'
import type { Databucket, DataSecurity, File } from './macie-columns.js'
import { filled, type Taking } from './taking.js'
import { moment } from './values.js'

const REGULAR = 1
const FOLDER = 2

/** The object of a finding; its key is taken with the resource. */
export function fileOf(object: Taking, mimeType: string | undefined, version: OcsfVersion): File | undefined {
  const path = object.said('key')
  if (path === undefined) return undefined
  const isModern = hasModernFindings(version)
  return {
    name: path.slice(path.lastIndexOf('/') + 1) || path,
    path,
    type_id: path.endsWith('/') ? FOLDER : REGULAR,
    ext: version === '1.1.0' ? undefined : object.text('extension'),
    size: object.whole('size', Number.MAX_SAFE_INTEGER),
    mime_type: mimeType,
    modified_time: object.time('lastModified', moment),
    version: object.text('versionId'),
    storage_class: isModern ? object.text('storageClass') : undefined,
    is_public: isModern ? object.flag('publicAccess') : undefined,
  }
}

const S3 = 1
const ARE_PUBLIC: ReadonlyMap<unknown, boolean> = new Map([
  ['PUBLIC', true],
  ['NOT_PUBLIC', false],
])

/** The bucket, whose details stay with the resource. */
export function databucketOf(bucket: Taking, version: OcsfVersion): Databucket | undefined {
  const name = bucket.said('name')
  const uid = bucket.said('arn')
  if (name === undefined && uid === undefined) return undefined
  const isModern = hasModernFindings(version)
  const encryption = bucket.at('defaultServerSideEncryption')
  const type = isModern ? encryption.said('encryptionType') : undefined
  return {
    name,
    uid,
    type_id: S3,
    created_time: bucket.time('createdAt', moment),
    is_encrypted: type === undefined ? undefined : type !== 'NONE',
    is_public: isModern ? ARE_PUBLIC.get(bucket.at('publicAccess').peek('effectivePermission')) : undefined,
    encryption_details: type === undefined || type === 'NONE' ? undefined : { key_uid: encryption.said('kmsMasterKeyId'), type },
  }
}

/** The bucket and the object, by their ARNs and as CloudTrail names their types. */
export function resourcesOf(bucket: Taking, object: Taking, around: Surroundings): readonly Resource[] {
  const bucketArn = object.said('bucketArn') ?? bucket.said('arn')
  const key = object.text('key')
  const path = object.said('path')
  const arn = bucketArn === undefined || key === undefined ? undefined : `${bucketArn}/${key}`
  if (arn?.startsWith(`${object.said('bucketArn')}/`)) object.text('bucketArn')
  // said by the ARN
  if (arn !== undefined && path !== undefined && arn.endsWith(`:${path}`)) object.text('path')
  const all = [
    resourceOf('AWS::S3::Bucket', bucket.text('arn'), bucket.text('name'), around, bucket),
    resourceOf('AWS::S3::Object', arn, key ?? (arn === undefined ? object.text('path') : undefined), around, object),
  ]
  return all.filter(resource => resource !== undefined)
}

// ---- sensitive data ----

const CATEGORIES: ReadonlyMap<string, 1 | 3 | 6> = new Map([
  ['PERSONAL_INFORMATION', 1],
  ['FINANCIAL_INFORMATION', 3],
  ['CREDENTIALS', 6],
])
/** As Macie calls what the customer's own identifiers find. */
const CUSTOM = 'CUSTOM_IDENTIFIER'
const STATUSES: ReadonlyMap<string, 1 | 2 | 3> = new Map([
  ['COMPLETE', 1],
  ['PARTIAL', 2],
  ['SKIPPED', 3],
])
const OTHER = 99
const DATA_DISCOVERY = 4
const AT_REST = 1
const MOST_INT = 2 ** 31 - 1

/** How often data was found, by data identifiers of AWS and of the customer. */
export function totalOf(result: Taking): number {
  let total = 0
  for (const part of [...result.list('sensitiveData', 'category'), result.at('customDataIdentifiers')]) {
    // the customer's own are counted apart
    const count = part.peek('category') === CUSTOM ? 0 : part.peek('totalCount')
    if (typeof count === 'number' && count > 0) total += count
  }
  return total
}

/** What was searched, how far, and what was found where. Before 1.5 OCSF has no places: then the result stays as it is. */
export function dataSecurityOf(result: Taking, version: OcsfVersion): DataSecurity {
  const kinds = result.list('sensitiveData', 'category')
  const custom = result.at('customDataIdentifiers').list('detections', 'name')
  const detections = kinds.flatMap(kind => kind.list('detections', 'type'))
  const said = kinds.map(kind => kind.said('category'))
  const categories = [...new Set([...said, custom.length > 0 ? CUSTOM : undefined].filter(category => category !== undefined))]
  const patterns = [...detections.map(item => item.said('type')), ...custom.map(item => item.said('name'))].filter(pattern => pattern !== undefined)
  const category_id = categories.length === 0 ? undefined : ((categories.length === 1 ? CATEGORIES.get(categories[0]!) : undefined) ?? OTHER)
  const found: DataSecurity = {
    category_id,
    category: category_id === OTHER ? categories.join(', ') : undefined,
    data_lifecycle_state_id: AT_REST,
    detection_pattern: patterns.length === 0 ? undefined : patterns.join(', '),
    detection_system_id: DATA_DISCOVERY,
  }
  if (!hasModernFindings(version)) return found
  const total = totalOf(result)
  const status = result.at('status')
  const code = status.text('code')
  const status_id = code === undefined ? undefined : (STATUSES.get(code) ?? OTHER)
  const reason = status.text('reason')
  const details = [...detections.map(item => discoveryOf(item, 'type')), ...custom.map(item => discoveryOf(item, 'name'))].filter(item => item !== undefined)
  return {
    ...found,
    discovery_details: details.length === 0 ? undefined : details,
    size: result.whole('sizeClassified', Number.MAX_SAFE_INTEGER),
    status_id,
    status: status_id === OTHER ? code : undefined,
    status_details: reason === undefined ? undefined : [reason],
    total: total <= MOST_INT && Number.isInteger(total) ? total : undefined,
  }
}

type Discovery = NonNullable<DataSecurity['discovery_details']>[number]
type Occurrence = NonNullable<Discovery['occurrences']>[number]

function discoveryOf(detection: Taking, named: string): Discovery | undefined {
  const occurrences = occurrencesOf(detection.at('occurrences'))
  return filled({ count: detection.whole('count'), type: detection.text(named), occurrences: occurrences.length === 0 ? undefined : occurrences })
}

/** Cells, lines, pages and records. A range of bytes is no place that OCSF knows, and stays. */
function occurrencesOf(places: Taking): readonly Occurrence[] {
  const all: (Occurrence | undefined)[] = [
    ...places.list('cells').map(cell =>
      filled({
        cell_name: cell.text('cellReference'),
        column_name: cell.text('columnName'),
        column_number: cell.whole('column'),
        row_number: cell.whole('row'),
      }),
    ),
    ...places.list('lineRanges').map(linesOf),
    ...places.list('pages').map(page => filled({ page_number: page.whole('pageNumber'), ...linesOf(page.at('lineRange')) })),
    ...places.list('records').map(record => filled({ json_path: record.text('jsonPath'), record_index_in_array: record.whole('recordIndex') })),
  ]
  return all.filter(occurrence => occurrence !== undefined)
}

function linesOf(range: Taking): Occurrence | undefined {
  return filled({ start_line: range.whole('start'), end_line: range.whole('end'), column_number: range.whole('startColumn') })
}
