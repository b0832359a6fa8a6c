/** Sensitive data that Macie found, as Security Hub states it. */
import { isJsonObject } from '../../json.js'
import type { OcsfVersion } from '../../ocsf/facts.js'
import { hasModernFindings } from './finding.js'
import { fileOf } from './guardduty-parts.js'
import type { DataSecurityFinding } from './security-hub-columns.js'
import { some } from './security-hub-parts.js'
import { type Taking, take } from './taking.js'
import { NOTHING, nameInArn } from './values.js'

const DATA_DISCOVERY = 4
const S3 = 1

const CATEGORIES: ReadonlyMap<string | undefined, 1 | 3 | 6> = new Map([
  ['PERSONAL_INFORMATION', 1],
  ['FINANCIAL_INFORMATION', 3],
  ['CREDENTIALS', 6],
])

/** What was found in which bucket and object, and from 1.5 how often; `undefined` where a finding is not about sensitive data. */
export function dataOf(
  record: Taking,
  types: readonly string[] = [],
  version: OcsfVersion,
): Pick<DataSecurityFinding, 'data_security' | 'databucket' | 'file'> | undefined {
  const resources = record.list('Resources', 'Id')
  const classified = resources.find(item => isJsonObject(item.peek('DataClassification')))
  if (classified === undefined && !types.some(type => type.startsWith('Sensitive Data Identifications'))) return undefined
  const result = classified?.at('DataClassification').at('Result') ?? take(NOTHING)
  const kinds = result.list('SensitiveData', 'Category')
  const isModern = hasModernFindings(version)
  const details = isModern ? [...kinds.flatMap(kind => detected(kind, 'Type')), ...detected(result.at('CustomDataIdentifiers'), 'Name')] : []
  const arnOf = (type: string) => resources.find(item => item.peek('Type') === type)?.said('Id')
  const bucket = arnOf('AwsS3Bucket')
  const object = arnOf('AwsS3Object')
  const file = fileOf(object?.slice(object.indexOf('/') + 1))
  return {
    data_security: {
      detection_system_id: DATA_DISCOVERY,
      category_id: CATEGORIES.get(kinds[0]?.said('Category')),
      size: isModern ? result.whole('SizeClassified') : undefined,
      discovery_details: some(details),
    },
    databucket: bucket === undefined ? undefined : { name: nameInArn(bucket), uid: bucket, type_id: S3 },
    file: file === undefined ? undefined : { ...file, uid: object, mime_type: result.text('MimeType') },
  }
}

function detected(kind: Taking, name: 'Type' | 'Name') {
  return kind.list('Detections', name).flatMap(detection => {
    const type = detection.text(name)
    return type === undefined ? [] : { type, count: detection.whole('Count') }
  })
}
