import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ipVersion, isIp } from './ip.js'

describe('ipVersion', () => {
  it.each(['0.0.0.0', '192.0.2.1', '255.255.255.255'])('takes %s as IPv4', text => expect(ipVersion(text)).toBe(4))

  it.each([
    '::',
    '::1',
    '1::',
    '2001:db8::1',
    '2001:DB8:0:0:8:800:200C:417A',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '::ffff:192.0.2.1',
    '64:ff9b::192.0.2.33',
    '1:2:3:4:5:6:192.0.2.1',
    'fe80::1%eth0',
  ])('takes %s as IPv6', text => expect(ipVersion(text)).toBe(6))

  it.each([
    '',
    '-',
    ':',
    ':::',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.4.',
    '.1.2.3.4',
    '256.1.1.1',
    '01.2.3.4',
    '1x2x3x4',
    '192.0.2.0/24',
    ' 192.0.2.1',
    '192.0.2.1\n',
    '192.0.2.1%eth0',
    '[::1]',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '1::2::3',
    '12345::',
    ':1::2',
    '::1:',
    'g::',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::1.2.3',
    '1.2.3.4::',
    'fe80::1%',
    'fe80::1% a',
    'cloudformation.amazonaws.com',
    'AWS Internal',
    '0000:0000:0000:0000:0000:ffff:192.168.100.228',
  ])('refuses %j', text => expect(isIp(text)).toBe(false))

  it('agrees with node:net on addresses of every shape', () => {
    const noisy = fc
      .array(fc.constantFrom(':', '::', '.', '0', '1', '25', '255', '256', 'a', 'ffff', 'g', '%', '1.2.3.4', '2001:db8'), { maxLength: 12 })
      .map(parts => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), noisy), text => {
        const expected = text.length > 40 ? undefined : isIP(text) || undefined
        expect(ipVersion(text)).toBe(expected)
      }),
      { numRuns: 5000 },
    )
  })
})
