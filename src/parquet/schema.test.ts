import { parquetMetadata } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { classFields, type Field, type FieldKind, leaves } from '../ocsf/columns.js'
import { loadFacts } from '../ocsf/facts.js'
import { uncompressed } from './codec.js'
import { parquetSchema } from './schema.js'
import { createParquetWriter } from './write.js'

function field(name: string, kind: FieldKind, extra: Partial<Field> = {}): Field {
  return { name, path: name, kind, list: false, attribute: { name, type: 'string_t', requirement: 'optional' }, origin: 'mapped', ...extra }
}

/** The schema as the file says it: path to type, repetition and annotation. */
function written(fields: readonly Field[]): string[] {
  const bytes = createParquetWriter(fields, { codec: uncompressed }).finish()
  const { schema } = parquetMetadata(bytes.slice().buffer as ArrayBuffer)
  return schema.map(element => {
    const { logical_type: logical } = element
    const unit = logical?.type === 'TIMESTAMP' ? ` ${logical.unit} utc=${logical.isAdjustedToUTC}` : ''
    return [
      element.repetition_type ?? 'ROOT',
      element.type ?? `group(${element.num_children})`,
      element.name,
      element.converted_type ?? '-',
      `${logical?.type ?? '-'}${unit}`,
    ].join(' ')
  })
}

describe('parquetSchema', () => {
  it('writes each kind with the type of the native tables', () => {
    const fields = [
      field('time', 'timestamp'),
      field('time_dt', 'datetime'),
      field('type_uid', 'integer'),
      field('class_uid', 'integer'),
      field('bytes', 'long'),
      field('score', 'float'),
      field('is_new', 'boolean'),
      field('name', 'string'),
      field('data', 'json'),
      field('labels', 'string', { list: true }),
      field('device', 'object', { fields: [field('uid', 'string')] }),
      field('groups', 'object', { list: true, fields: [field('uid', 'string')] }),
      field('unmapped', 'open'),
    ]
    expect(written(fields)).toEqual([
      'ROOT group(13) schema - -',
      'OPTIONAL INT64 time - -',
      'OPTIONAL INT64 time_dt TIMESTAMP_MILLIS TIMESTAMP MILLIS utc=true',
      'OPTIONAL INT64 type_uid - -',
      'OPTIONAL INT32 class_uid - -',
      'OPTIONAL INT64 bytes - -',
      'OPTIONAL DOUBLE score - -',
      'OPTIONAL BOOLEAN is_new - -',
      'OPTIONAL BYTE_ARRAY name UTF8 STRING',
      'OPTIONAL BYTE_ARRAY data UTF8 STRING',
      'OPTIONAL group(1) labels LIST LIST',
      'REPEATED group(1) list - -',
      'OPTIONAL BYTE_ARRAY element UTF8 STRING',
      'OPTIONAL group(1) device - -',
      'OPTIONAL BYTE_ARRAY uid UTF8 STRING',
      'OPTIONAL group(1) groups LIST LIST',
      'REPEATED group(1) list - -',
      'OPTIONAL group(1) element - -',
      'OPTIONAL BYTE_ARRAY uid UTF8 STRING',
      'OPTIONAL group(1) unmapped MAP MAP',
      'REPEATED group(2) key_value - -',
      'REQUIRED BYTE_ARRAY key UTF8 STRING',
      'OPTIONAL BYTE_ARRAY value UTF8 STRING',
    ])
  })

  it('knows the levels of nested leaves', () => {
    const fields = [
      field('groups', 'object', { list: true, fields: [field('uid', 'string'), field('ports', 'integer', { list: true }), field('extra', 'open')] }),
      field('device', 'object', { fields: [field('owner', 'object', { fields: [field('uid', 'string')] })] }),
    ]
    expect(parquetSchema(fields).leaves.map(leaf => [leaf.path.join('.'), leaf.def, leaf.rep])).toEqual([
      ['groups.list.element.uid', 4, 1],
      ['groups.list.element.ports.list.element', 6, 2],
      ['groups.list.element.extra.key_value.key', 5, 2],
      ['groups.list.element.extra.key_value.value', 6, 2],
      ['device.owner.uid', 3, 0],
    ])
  })

  it('has no empty structs', () => {
    const fields = [
      field('time', 'timestamp'),
      field('a', 'object', { fields: [] }),
      field('b', 'object', { fields: [field('c', 'object', { list: true, fields: [] })] }),
    ]
    expect(written(fields)).toEqual(['ROOT group(1) schema - -', 'OPTIONAL INT64 time - -'])
  })

  it('has one leaf per field of a class, in their order, and two per open object', async () => {
    const facts = await loadFacts('1.1.0')
    const { fields } = classFields(facts, 'api_activity', {
      activity_id: true,
      time: true,
      severity_id: true,
      metadata: { product: { name: true, vendor_name: true }, profiles: true },
      actor: { user: { uid: true, type_id: true, groups: { name: true } }, session: { created_time: true, is_mfa: true } },
      api: { operation: true, request: { uid: true, data: true }, response: { data: true, code: true } },
      resources: { uid: true, owner: { account: { uid: true } }, labels: true },
      src_endpoint: { ip: true },
    })!
    const schema = parquetSchema(fields)
    const paths = (path: string) => path.replaceAll('.list.element', '').replace(/\.key_value\..*/, '')
    expect([...new Set(schema.leaves.map(leaf => paths(leaf.path.join('.'))))]).toEqual([...leaves(fields)].map(leaf => leaf.path.replaceAll('[]', '')))
    const types = Object.fromEntries(schema.leaves.map(leaf => [leaf.path.join('.'), `${leaf.physical} ${leaf.annotation ?? ''}`.trim()]))
    expect(types).toMatchObject({
      time: 'int64',
      time_dt: 'int64 timestamp_millis',
      type_uid: 'int64',
      class_uid: 'int32',
      'actor.session.created_time_dt': 'int64 timestamp_millis',
      'actor.session.is_mfa': 'boolean',
      'api.request.data': 'byte_array string',
      'api.response.code': 'int32',
      'metadata.profiles.list.element': 'byte_array string',
      'resources.list.element.owner.account.uid': 'byte_array string',
      'unmapped.key_value.key': 'byte_array string',
    })
  })
})
