/** An address that a hostile client names, and where DNS leads to from it. */
export interface HostileEndpoint {
  readonly name: string;
  readonly endpoint: string;
  /** What DNS says of its host, at each question the next of them, the last one for good; none: it is never asked. */
  readonly dns?: readonly (readonly string[])[];
}

const token = '/push/0123456789';
const at = (host: string) => `https://${host}${token}`;

/** Refused as they are written. */
export const hostileByForm: readonly HostileEndpoint[] = [
  { name: 'plain http', endpoint: 'http://push.example.org/push' },
  { name: 'WebSocket', endpoint: 'wss://push.example.org/push' },
  { name: 'ftp', endpoint: 'ftp://push.example.org/push' },
  { name: 'a file', endpoint: 'file:///etc/passwd' },
  { name: 'data', endpoint: 'data:text/plain,x' },
  { name: 'gopher', endpoint: 'gopher://127.0.0.1:6379/_FLUSHALL' },
  { name: 'a blob of an https origin', endpoint: 'blob:https://push.example.org/1' },
  { name: 'no URL', endpoint: 'push.example.org/push' },
  { name: 'nothing', endpoint: '' },
  { name: 'no host', endpoint: 'https:///' },
  { name: 'a name and a password', endpoint: 'https://user:secret@push.example.org/push' },
  { name: 'a name that looks like a host', endpoint: 'https://push.example.org@127.0.0.1/push' },
  { name: 'a host that ends where the parser says', endpoint: 'https://127.0.0.1\\@push.example.org/push' },
  { name: 'a fragment', endpoint: 'https://push.example.org/push#part' },
  { name: 'an empty fragment', endpoint: 'https://push.example.org/push#' },
  { name: 'a line break', endpoint: 'https://push.exam\r\nple.org/push' },
  { name: 'a header', endpoint: 'https://push.example.org/push HTTP/1.1\r\nHost: localhost' },
  { name: 'a space', endpoint: ' https://push.example.org/push' },
  { name: 'a zero byte', endpoint: 'https://push.example.org/\0push' },
  { name: 'too many bytes', endpoint: `https://push.example.org/${'x'.repeat(1_000)}` },
  { name: 'the port of SSH', endpoint: 'https://push.example.org:22/push' },
  { name: 'the port of mail', endpoint: 'https://push.example.org:25/push' },
  { name: 'the port of http', endpoint: 'https://push.example.org:80/push' },
  { name: 'port 0', endpoint: 'https://push.example.org:0/push' },
  { name: 'no port there can be', endpoint: 'https://push.example.org:65536/push' },
  { name: 'loopback', endpoint: at('127.0.0.1') },
  { name: 'loopback, another', endpoint: at('127.8.8.8:8443') },
  { name: 'loopback in decimal', endpoint: at('2130706433') },
  { name: 'loopback in octal', endpoint: at('0177.0.0.1') },
  { name: 'loopback in hexadecimal', endpoint: at('0x7f000001') },
  { name: 'loopback in parts of each kind', endpoint: at('0x7f.0.1') },
  { name: 'loopback, shortened', endpoint: at('127.1') },
  { name: 'loopback with a dot', endpoint: at('127.0.0.1.') },
  { name: 'loopback, percent-encoded', endpoint: at('%31%32%37.0.0.1') },
  { name: 'loopback in wide digits', endpoint: at('１２７.０.０.１') },
  { name: 'loopback in circled digits', endpoint: at('①②⑦.0.0.1') },
  { name: 'loopback with ideographic dots', endpoint: at('127。0。0。1') },
  { name: 'zero', endpoint: at('0') },
  { name: 'this network', endpoint: at('0.0.0.0') },
  { name: 'private', endpoint: at('10.0.0.1') },
  { name: 'private, the middle one', endpoint: at('172.16.5.4') },
  { name: 'private, at home', endpoint: at('192.168.1.1') },
  { name: 'of a carrier', endpoint: at('100.64.0.1') },
  { name: 'metadata of clouds', endpoint: at('169.254.169.254') },
  { name: 'metadata of clouds in decimal', endpoint: at('2852039166') },
  { name: 'multicast', endpoint: at('224.0.0.1') },
  { name: 'broadcast', endpoint: at('255.255.255.255') },
  { name: 'IPv6 loopback', endpoint: at('[::1]') },
  { name: 'IPv6 loopback in full', endpoint: at('[0:0:0:0:0:0:0:1]:8443') },
  { name: 'IPv6 nothing', endpoint: at('[::]') },
  { name: 'mapped', endpoint: at('[::ffff:127.0.0.1]') },
  { name: 'mapped in hexadecimal', endpoint: at('[::ffff:a9fe:a9fe]') },
  { name: 'compatible', endpoint: at('[::7f00:1]') },
  { name: 'NAT64', endpoint: at('[64:ff9b::7f00:1]') },
  { name: '6to4', endpoint: at('[2002:7f00:1::]') },
  { name: 'Teredo', endpoint: at('[2001:0:4136:e378:8000:63bf:3fff:fdd2]') },
  { name: 'unique local', endpoint: at('[fd00:ec2::254]') },
  { name: 'link-local', endpoint: at('[fe80::1]') },
  { name: 'link-local with a zone', endpoint: at('[fe80::1%25eth0]') },
  { name: 'IPv6 multicast', endpoint: at('[ff02::1]') },
  { name: 'localhost', endpoint: at('localhost') },
  { name: 'localhost in capitals', endpoint: at('LOCALHOST:8443') },
  { name: 'localhost with a dot', endpoint: at('localhost.') },
  { name: 'below localhost', endpoint: at('push.localhost') },
  { name: 'mDNS', endpoint: at('printer.local') },
  { name: 'internal', endpoint: at('metadata.google.internal') },
  { name: 'of a home', endpoint: at('router.home.arpa') },
  { name: 'onion', endpoint: at('expyuzz4wqqyqhjn.onion') },
  { name: 'without a domain', endpoint: at('intranet') },
  { name: 'with a dot at its end', endpoint: at('push.example.org.') },
];

/** Refused because of where DNS leads to. */
export const hostileByName: readonly HostileEndpoint[] = [
  { name: 'loopback', endpoint: at('a.hostile.net'), dns: [['127.0.0.1']] },
  { name: 'IPv6 loopback', endpoint: at('b.hostile.net'), dns: [['::1']] },
  { name: 'metadata of clouds', endpoint: at('c.hostile.net'), dns: [['169.254.169.254']] },
  { name: 'private', endpoint: at('d.hostile.net:8443'), dns: [['10.1.2.3']] },
  { name: 'unique local', endpoint: at('e.hostile.net'), dns: [['fd12::1']] },
  { name: 'mapped', endpoint: at('f.hostile.net'), dns: [['::ffff:10.0.0.1']] },
  { name: 'NAT64 to loopback', endpoint: at('g.hostile.net'), dns: [['64:ff9b::7f00:1']] },
  { name: 'public, and private as well', endpoint: at('h.hostile.net'), dns: [['9.9.9.9', '192.168.0.1']] },
  { name: 'public IPv4, and IPv6 that is not', endpoint: at('i.hostile.net'), dns: [['fe80::1', '9.9.9.9']] },
  {
    name: 'public IPv6, and IPv4 that is not',
    endpoint: at('j.hostile.net'),
    dns: [['2620:fe::fe', '127.0.0.1']],
  },
  { name: 'of a carrier', endpoint: at('k.hostile.net'), dns: [['100.100.100.200']] },
  { name: 'this network', endpoint: at('l.hostile.net'), dns: [['0.0.0.0']] },
  // At the first question, when it is registered, it is in the public network.
  {
    name: 'public when it is judged, not when it is sent to',
    endpoint: at('m.hostile.net'),
    dns: [['9.9.9.9'], ['127.0.0.1']],
  },
  { name: 'IDN', endpoint: at('xn--hstile-0xa.example.net'), dns: [['127.0.0.1']] },
];

/** Nothing is wrong with those. */
export const harmlessEndpoints: readonly string[] = [
  'https://fcm.googleapis.com/fcm/send/abc:APA91-x_y',
  'https://updates.push.services.mozilla.com/wpush/v2/gAAAA==',
  'https://web.push.apple.com/QHh-x',
  'https://wns2-par02p.notify.windows.com/w/?token=BQ%3d%3d',
  'https://ntfy.example.org/upAbCdEf?up=1',
  'https://push.example.org:8443/push',
  'https://xn--mnchen-3ya.example.org/push',
  'https://9.9.9.9/push',
  'https://[2620:fe::fe]/push',
];
