/** VPC flow logs: the default format (version 2) and a custom one with the 29 fields up to version 5. */
import { ACCOUNT, createRandom, FILE_SECONDS, publicIp, REGION, START, stamp } from './random.js'

export const V2_FIELDS = 'version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status'.split(' ')
export const V5_FIELDS = [
  ...V2_FIELDS,
  ...'vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id'.split(' '),
  ...'pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path'.split(' '),
]

export interface FlowFile {
  /** Key below the data folder, as AWS names it. */
  readonly key: string
  readonly text: string
  readonly nodata: number
  readonly skipdata: number
}

interface Interface {
  readonly id: string
  readonly instance: string
  readonly vpc: string
  readonly subnet: string
  readonly zone: string
  readonly ip: string
  readonly ip6: string
  /** Public address of a NAT gateway that stands before it. */
  readonly nat: string | undefined
}

/** What listens, the popular ones first. */
const PORTS = [443, 80, 5432, 53, 3306, 6379, 8080, 22, 9092, 123, 25, 3389, 9200]
const TCP_FLAGS = [19, 3, 2, 18, 19, 3, 6, 1, 4]
const SERVICES = ['S3', 'DYNAMODB', 'EC2', 'AMAZON', 'CLOUDFRONT', 'EC2_INSTANCE_CONNECT']

/** One file after another; `lines` counts the records of each, without the header. */
export function* flowFiles(version: 2 | 5, files: number, lines: number, seed: number): Generator<FlowFile> {
  const random = createRandom(seed + version)
  const { below, chance, hex, pick, popular } = random
  const zones = ['use1-az1', 'use1-az2', 'use1-az4', 'use1-az6']
  const vpcs = Array.from({ length: 5 }, () => `vpc-0${hex(16)}`)
  const subnets = Array.from({ length: 20 }, (_, at) => ({ id: `subnet-0${hex(16)}`, vpc: vpcs[at % vpcs.length]!, zone: zones[at % zones.length]! }))
  const nats = Array.from({ length: 4 }, () => publicIp(random))
  const interfaces = Array.from({ length: 500 }, (): Interface => {
    const subnet = pick(subnets)
    return {
      id: `eni-0${hex(16)}`,
      instance: chance(0.75) ? `i-0${hex(16)}` : '-',
      vpc: subnet.vpc,
      subnet: subnet.id,
      zone: subnet.zone,
      ip: `10.${below(4)}.${below(256)}.${1 + below(254)}`,
      ip6: `2001:db8:${hex(4).replace(/^0+(?=.)/, '')}::${hex(3).replace(/^0+(?=.)/, '')}`,
      nat: chance(0.2) ? pick(nats) : undefined,
    }
  })
  const outside = Array.from({ length: 50_000 }, () => publicIp(random))
  const outside6 = Array.from({ length: 500 }, () => `2001:db8:ffff::${(1 + below(65_535)).toString(16)}`)

  for (let file = 0; file < files; file++) {
    const begin = START + file * FILE_SECONDS
    const out = [(version === 2 ? V2_FIELDS : V5_FIELDS).join(' ')]
    let nodata = 0
    let skipdata = 0
    for (let line = 0; line < lines; line++) {
      const own = popular(interfaces)
      // roughly in order, as windows of many interfaces are merged into one file
      const start = Math.max(begin, begin + Math.floor((line * FILE_SECONDS) / lines) - below(45))
      const end = start + (chance(0.6) ? 60 : 5 + below(55))
      const head = `${version} ${ACCOUNT} ${own.id}`
      const fate = random.unit()
      if (fate < 0.0105) {
        const status = fate < 0.01 ? 'NODATA' : 'SKIPDATA'
        if (status === 'NODATA') nodata++
        else skipdata++
        const tail = version === 2 ? '' : ` ${own.vpc} ${own.subnet} ${own.instance} - - - - ${REGION} ${own.zone} - - - - - -`
        out.push(`${head} - - - - - - - ${start} ${end} - ${status}${tail}`)
        continue
      }
      const inward = chance(0.5)
      const six = chance(0.02)
      const far = chance(0.55) ? (six ? popular(outside6) : popular(outside)) : six ? popular(interfaces).ip6 : popular(interfaces).ip
      const near = six ? own.ip6 : own.ip
      const protocol = chance(0.85) ? 6 : chance(0.92) ? 17 : six ? 58 : 1
      const isIcmp = protocol === 1 || protocol === 58
      const served = isIcmp ? 0 : popular(PORTS)
      const client = isIcmp ? 0 : 1024 + below(64_512)
      const rejected = chance(0.16)
      const packets = rejected ? 1 + below(4) : 1 + Math.floor(Math.exp(random.unit() * 8))
      const bytes = packets * (40 + below(1420))
      // the far side of a service through NAT sees the gateway's address, the packet has the real one
      const via = version === 5 && !inward && own.nat !== undefined && !six ? own.nat : undefined
      const src = inward ? far : (via ?? near)
      const dst = inward ? near : far
      const flow = `${src} ${dst} ${inward ? client : served} ${inward ? served : client} ${protocol} ${packets} ${bytes} ${start} ${end} ${rejected ? 'REJECT' : 'ACCEPT'} OK`
      if (version === 2) {
        out.push(`${head} ${flow}`)
        continue
      }
      const flags = protocol === 6 ? pick(TCP_FLAGS) : 0
      const places = own.zone === 'use1-az6' && chance(0.02) ? `wavelength ${REGION}-wl1-bos-wlz-1` : '- -'
      const srcService = chance(0.06) ? pick(SERVICES) : '-'
      const dstService = chance(0.1) ? pick(SERVICES) : '-'
      out.push(
        `${head} ${flow} ${own.vpc} ${own.subnet} ${own.instance} ${flags} ${six ? 'IPv6' : 'IPv4'} ${inward ? far : near} ${dst} ${REGION} ${own.zone} ${places} ${srcService} ${dstService} ${inward ? 'ingress' : 'egress'} ${inward ? '-' : 1 + below(8)}`,
      )
    }
    const name = `${ACCOUNT}_vpcflowlogs_${REGION}_fl-0${'a1b2c3d4e5f6071'.slice(0, 15)}${version}_${stamp(begin)}_${hex(8)}.log.gz`
    const day = new Date(begin * 1000).toISOString().slice(0, 10).replaceAll('-', '/')
    yield { key: `AWSLogs/${ACCOUNT}/vpcflowlogs/${REGION}/${day}/${name}`, text: `${out.join('\n')}\n`, nodata, skipdata }
  }
}
