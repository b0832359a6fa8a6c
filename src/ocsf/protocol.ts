/** IANA protocol numbers that flow logs show, under their IANA keywords in lower case, as OCSF wants them. */
const NAMES: Readonly<Record<number, string>> = {
  0: 'hopopt',
  1: 'icmp',
  2: 'igmp',
  4: 'ipv4',
  6: 'tcp',
  8: 'egp',
  17: 'udp',
  33: 'dccp',
  41: 'ipv6',
  43: 'ipv6-route',
  44: 'ipv6-frag',
  46: 'rsvp',
  47: 'gre',
  50: 'esp',
  51: 'ah',
  58: 'ipv6-icmp',
  59: 'ipv6-nonxt',
  60: 'ipv6-opts',
  88: 'eigrp',
  89: 'ospfigp',
  94: 'ipip',
  97: 'etherip',
  103: 'pim',
  108: 'ipcomp',
  112: 'vrrp',
  115: 'l2tp',
  132: 'sctp',
  136: 'udplite',
  137: 'mpls-in-ip',
  143: 'ethernet',
}

/** `connection_info.protocol_name` of a protocol number, or `undefined` when the number is not in the table. */
export function protocolName(protocol: number | undefined): string | undefined {
  return protocol === undefined ? undefined : NAMES[protocol]
}
