/**
 * VPC flow logs in DuckDB SQL: the same gzip files into the same rows and columns as our mapping at OCSF 1.1.0.
 *
 * Every column is written and compared. The SQL knows the generated data where knowing makes it faster: the region of
 * version 2 rows (from the key) is a constant, every row of version 5 has a flow-direction, and of the fields without a
 * home only `sublocation-*` occur. NODATA and SKIPDATA rows are left out, as we filter them.
 */
import { V2_FIELDS, V5_FIELDS } from './generate-flow.js'
import { REGION } from './random.js'

const TYPES: Readonly<Record<string, string>> = {
  srcport: 'INTEGER',
  dstport: 'INTEGER',
  protocol: 'INTEGER',
  packets: 'BIGINT',
  bytes: 'BIGINT',
  start: 'BIGINT',
  end: 'BIGINT',
  'tcp-flags': 'INTEGER',
  'traffic-path': 'INTEGER',
}

/** Microseconds where we write milliseconds: of the two, only this type of DuckDB's is a time in UTC as ours is. */
const datetime = (seconds: string): string => `to_timestamp(${seconds})`

const PROTOCOLS = `CASE protocol WHEN 6 THEN 'tcp' WHEN 17 THEN 'udp' WHEN 1 THEN 'icmp' WHEN 58 THEN 'ipv6-icmp' END`
const BOUNDARY_IDS = `CASE WHEN "traffic-path" BETWEEN 1 AND 8 THEN ("traffic-path" + 3)::INTEGER END`
const BOUNDARIES = `CASE "traffic-path" WHEN 1 THEN 'Same VPC' WHEN 2 THEN 'Internet/VPC Gateway' WHEN 3 THEN 'Virtual Private Gateway' WHEN 4 THEN 'Intra-region VPC'
        WHEN 5 THEN 'Inter-region VPC' WHEN 6 THEN 'Local Gateway' WHEN 7 THEN 'Gateway VPC' WHEN 8 THEN 'Internet Gateway' END`

/** A SELECT over the files of a glob. */
export function flowSelect(version: 2 | 5, glob: string): string {
  const isV5 = version === 5
  const names = isV5 ? V5_FIELDS : V2_FIELDS
  const columns = names.map(name => `'${name}': '${TYPES[name] ?? 'VARCHAR'}'`).join(', ')
  const only5 = (sql: string, type: string): string => (isV5 ? sql : `NULL::${type}`)
  const endpoint = (side: 'src' | 'dst', direction: 'egress' | 'ingress'): string => {
    const own = (name: string): string => only5(`CASE WHEN "flow-direction" = '${direction}' THEN "${name}" END`, 'VARCHAR')
    return `struct_pack(
      ip := ${side}_ip,
      port := ${side}port,
      svc_name := ${only5(`"pkt-${side}-aws-service"`, 'VARCHAR')},
      uid := NULL::VARCHAR,
      interface_uid := ${own('interface-id')},
      instance_uid := ${own('instance-id')},
      subnet_uid := ${own('subnet-id')},
      vpc_uid := ${own('vpc-id')},
      intermediate_ips := ${only5(`CASE WHEN ${side}addr <> ${side}_ip THEN [${side}addr] END`, 'VARCHAR[]')})`
  }
  const isSix = isV5 ? `type = 'IPv6'` : `contains(src_ip, ':')`
  const observable = (name: string, value: string): string => `struct_pack(name := '${name}', "type" := 'IP Address', type_id := 2, "value" := ${value})`
  const ips = [observable('src_endpoint.ip', 'src_ip'), observable('dst_endpoint.ip', 'dst_ip')]
  const observables = isV5
    ? `CASE
      WHEN srcaddr <> src_ip AND dstaddr <> dst_ip THEN [${ips[0]}, ${observable('src_endpoint.intermediate_ips[]', 'srcaddr')}, ${ips[1]}, ${observable('dst_endpoint.intermediate_ips[]', 'dstaddr')}]
      WHEN srcaddr <> src_ip THEN [${ips[0]}, ${observable('src_endpoint.intermediate_ips[]', 'srcaddr')}, ${ips[1]}]
      WHEN dstaddr <> dst_ip THEN [${ips[0]}, ${ips[1]}, ${observable('dst_endpoint.intermediate_ips[]', 'dstaddr')}]
      ELSE [${ips.join(', ')}] END`
    : `[${ips.join(', ')}]`
  return `
  WITH flows AS (
    SELECT *, ${isV5 ? 'coalesce("pkt-srcaddr", srcaddr)' : 'srcaddr'} src_ip, ${isV5 ? 'coalesce("pkt-dstaddr", dstaddr)' : 'dstaddr'} dst_ip
    FROM read_csv('${glob}', delim = ' ', header = true, nullstr = '-', auto_detect = false, quote = '', escape = '', columns = {${columns}})
    WHERE "log-status" = 'OK'
  )
  SELECT
    CASE action WHEN 'ACCEPT' THEN 6 ELSE 5 END activity_id,
    CASE action WHEN 'ACCEPT' THEN 'Traffic' ELSE 'Refuse' END activity_name,
    1 severity_id,
    'Informational' severity,
    start * 1000 "time",
    ${datetime('start')} time_dt,
    start * 1000 start_time,
    ${datetime('start')} start_time_dt,
    "end" * 1000 end_time,
    ${datetime('"end"')} end_time_dt,
    (("end" - start) * 1000)::INTEGER duration,
    "log-status" status_code,
    NULL::VARCHAR status_detail,
    struct_pack(
      product := struct_pack(name := 'Amazon VPC', vendor_name := 'AWS', version := version, feature := struct_pack(name := 'Flowlogs')),
      version := '1.1.0',
      profiles := ['cloud', 'datetime', 'security_control']) metadata,
    struct_pack(provider := 'AWS', region := ${isV5 ? 'region' : `'${REGION}'`}, "zone" := ${only5('"az-id"', 'VARCHAR')}, account := struct_pack(uid := "account-id")) cloud,
    ${endpoint('src', 'egress')} src_endpoint,
    ${endpoint('dst', 'ingress')} dst_endpoint,
    struct_pack(
      direction_id := ${isV5 ? `CASE "flow-direction" WHEN 'ingress' THEN 1 WHEN 'egress' THEN 2 END` : '0'},
      direction := ${isV5 ? `CASE "flow-direction" WHEN 'ingress' THEN 'Inbound' WHEN 'egress' THEN 'Outbound' END` : `'Unknown'`},
      boundary_id := ${only5(BOUNDARY_IDS, 'INTEGER')},
      boundary := ${only5(BOUNDARIES, 'VARCHAR')},
      protocol_num := protocol,
      protocol_name := ${PROTOCOLS},
      protocol_ver_id := CASE WHEN ${isSix} THEN 6 ELSE 4 END,
      protocol_ver := CASE WHEN ${isSix} THEN 'Internet Protocol version 6 (IPv6)' ELSE 'Internet Protocol version 4 (IPv4)' END,
      tcp_flags := ${only5('"tcp-flags"', 'INTEGER')}) connection_info,
    struct_pack(bytes := bytes, packets := packets) traffic,
    CASE action WHEN 'ACCEPT' THEN 1 ELSE 2 END action_id,
    CASE action WHEN 'ACCEPT' THEN 'Allowed' ELSE 'Denied' END "action",
    CASE action WHEN 'ACCEPT' THEN 1 ELSE 2 END disposition_id,
    CASE action WHEN 'ACCEPT' THEN 'Allowed' ELSE 'Blocked' END disposition,
    4 category_uid,
    'Network Activity' category_name,
    4001 class_uid,
    'Network Activity' class_name,
    CASE action WHEN 'ACCEPT' THEN 400106::BIGINT ELSE 400105::BIGINT END type_uid,
    CASE action WHEN 'ACCEPT' THEN 'Network Activity: Traffic' ELSE 'Network Activity: Refuse' END type_name,
    ${observables} observables,
    NULL::VARCHAR raw_data,
    ${
      isV5
        ? `CASE WHEN "sublocation-type" IS NOT NULL THEN MAP {'sublocation-type': "sublocation-type", 'sublocation-id': "sublocation-id"} END`
        : `MAP {'interface-id': "interface-id"}`
    } unmapped
  FROM flows`
}
