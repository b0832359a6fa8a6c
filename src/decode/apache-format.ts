/** Apache log formats (`%h %l %u %t "%r" %>s %b`) as templates with the names that nginx has for the same things. */

/** https://httpd.apache.org/docs/current/mod/mod_log_config.html */
const DIRECTIVES: Readonly<Record<string, string>> = {
  h: 'remote_addr',
  a: 'remote_addr',
  l: 'remote_logname',
  u: 'remote_user',
  r: 'request',
  s: 'status',
  b: 'body_bytes_sent',
  B: 'body_bytes_sent',
  O: 'bytes_sent',
  I: 'request_length',
  v: 'server_name',
  V: 'host',
  p: 'server_port',
  A: 'server_addr',
  T: 'request_time',
  D: 'request_time_us',
  m: 'request_method',
  H: 'server_protocol',
}
const VARIABLES: Readonly<Record<string, string>> = {
  SSL_PROTOCOL: 'ssl_protocol',
  SSL_CIPHER: 'ssl_cipher',
  SSL_TLS_SNI: 'ssl_server_name',
  UNIQUE_ID: 'request_id',
}

/** Whether a format string is Apache's rather than nginx's. */
export function isApacheFormat(format: string): boolean {
  return format.includes('%') && !/\$\{?\w/.test(format)
}

/** The format as a template: `%h` is `$remote_addr`, `%{User-Agent}i` is `$http_user_agent`, `%t` is `[$time_local]`. */
export function templateOfApache(format: string): string {
  return format.replaceAll('\\"', '"').replace(/%[!\d,]*[<>]?(?:\{([^}]*)\})?(%|\^[a-z]{2}|[a-zA-Z])/g, (_, argument: string | undefined, letter: string) => {
    if (letter === '%') return '%'
    if (argument === undefined) return letter === 't' ? '[$time_local]' : `\${${DIRECTIVES[letter] ?? word(letter)}}`
    const header = word(argument)
    if (letter === 'i') return `\${http_${header}}`
    if (letter === 'o') return `\${sent_http_${header}}`
    if (letter === 'T' || letter === 't') return `\${${letter === 't' ? 'time' : 'request_time'}_${header}}`
    return `\${${VARIABLES[argument] ?? `${word(letter)}_${header}`}}`
  })
}

function word(text: string): string {
  return text.replaceAll(/\W+/g, '_').toLowerCase()
}
