import { describe, expect, it } from 'vitest'
import { partsOfTemplate, readAccessLine } from './access-log.js'
import { isApacheFormat, templateOfApache } from './apache-format.js'

describe('templateOfApache', () => {
  it('gives directives the names that nginx has', () => {
    expect(templateOfApache('%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"').replaceAll(/[{}]/g, '')).toBe(
      '$remote_addr $remote_logname $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"',
    )
    expect(templateOfApache('%400,501{X-Id}i %{sec}t %% %{UNIQUE_ID}e %{Content-Type}o').replaceAll(/[{}]/g, '')).toBe(
      '$http_x_id $time_sec % $request_id $sent_http_content_type',
    )
  })

  it('reads a line of vhost_combined, whose user name has spaces', () => {
    const parts = partsOfTemplate(templateOfApache('%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"'), () => 'text')
    const row = readAccessLine('e.com:443 192.0.2.1 - a b [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 5 "-" "x \\" y"', {
      record: 'r',
      parts,
      least: parts.length,
      escaped: true,
    })
    expect('row' in row && row.row).toMatchObject({ server_name: 'e.com', server_port: '443', remote_user: 'a b', http_user_agent: 'x \\" y' })
  })

  it('is told from a template of nginx', () => {
    expect([isApacheFormat('%h %r'), isApacheFormat('$remote_addr 100%'), isApacheFormat('$remote_addr')]).toEqual([true, false, false])
  })
})
