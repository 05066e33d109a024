import { describe, expect, it } from 'vitest';
import { isPrivateAddress, isPublicAddress } from './public-address.js';

describe('isPublicAddress: true', () => {
  it.each([
    ['IPv4', ['1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255']],
    ['IPv4 beside what is special', ['128.0.0.0', '169.253.255.255', '172.15.255.255', '172.32.0.0']],
    [
      'IPv4 beside more of it',
      ['192.0.1.0', '192.167.255.255', '198.17.255.255', '198.20.0.0', '223.255.255.255'],
    ],
    ['IPv6', ['2606:4700:4700::1111', '2a00::1', '2001:4860:4860::8888', '2001:200::1', '2400:cb00::1']],
    ['mapped', ['::ffff:1.1.1.1', '::ffff:101:101', '0:0:0:0:0:FFFF:1.1.1.1']],
    ['translated', ['::ffff:0:1.1.1.1']],
    ['6to4', ['2002:101:101::1']],
    ['NAT64', ['64:ff9b::1.1.1.1', '64:ff9b::101:101']],
  ])('%s', (_, addresses) => {
    expect(addresses.filter((address) => !isPublicAddress(address))).toEqual([]);
  });
});

describe('isPublicAddress: false', () => {
  it.each([
    ['this network', ['0.0.0.0', '0.255.255.255', '::']],
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '::1%lo']],
    ['private (RFC 1918)', ['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1']],
    ['carrier-grade NAT', ['100.64.0.1', '100.127.255.255']],
    ['link-local, metadata of clouds too', ['169.254.169.254', 'fe80::1', 'fe80::1%eth0', 'febf::1']],
    ['protocols', ['192.0.0.1', '192.0.0.170', '2001::1', '2001:1ff::1', '192.88.99.1']],
    [
      'documentation',
      ['192.0.2.1', '198.51.100.1', '203.0.113.255', '2001:db8::1', '3fff::1', '3fff:fff::1'],
    ],
    ['benchmarks', ['198.18.0.1', '198.19.255.255', '2001:2::1']],
    ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1']],
    ['reserved and broadcast', ['240.0.0.1', '255.255.255.255']],
    ['unique local', ['fc00::1', 'fdff::1', 'fd00:ec2::254']],
    ['site-local, discard-only and other IPv6 outside 2000::/3', ['fec0::1', '100::1', '4000::1', '5f00::1']],
    ['mapped', ['::ffff:127.0.0.1', '::ffff:7f00:1', '::FFFF:10.0.0.1', '::ffff:a9fe:a9fe']],
    ['compatible', ['::127.0.0.1', '::10.0.0.1', '::a00:1']],
    ['translated', ['::ffff:0:127.0.0.1', '::ffff:0:a00:1']],
    ['6to4', ['2002:7f00:1::1', '2002:a00:1::', '2002:c0a8:101::1']],
    ['NAT64', ['64:ff9b::127.0.0.1', '64:ff9b::a00:1']],
    ['NAT64 by a local prefix', ['64:ff9b:1::1.1.1.1', '64:ff9b:1:fffe::101:101']],
    ['Teredo', ['2001:0:4136:e378:8000:63bf:3fff:fdd2', '2001:0:101:101::']],
    ['other spellings of IPv4', ['2130706433', '0x7f000001', '0177.0.0.1', '127.1', '1.1.1.1.', '01.1.1.1']],
    ['no address', ['', 'localhost', 'example.org', '[2606:4700:4700::1111]', '1.1.1.1:80', ' 1.1.1.1']],
  ])('%s', (_, addresses) => {
    expect(addresses.filter(isPublicAddress)).toEqual([]);
  });
});

describe('isPrivateAddress', () => {
  it.each([
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1']],
    ['of a network of its own', ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', '::ffff:a00:1']],
    ['unique local', ['fc00::1', 'fdff::1']],
    ['of a carrier, and of what is built in its range', ['100.64.0.1', '100.127.255.255']],
  ])('true: %s', (_, addresses) => {
    expect(addresses.filter((address) => !isPrivateAddress(address))).toEqual([]);
  });

  it.each([
    ['public', ['9.9.9.9', '172.32.0.0', '100.128.0.0', '2620:fe::fe']],
    ['link-local, metadata of clouds too', ['169.254.169.254', '::ffff:169.254.169.254', 'fe80::1']],
    ['nowhere', ['0.0.0.0', '::', '224.0.0.1', 'ff02::1', '255.255.255.255', '240.0.0.1']],
    ['documentation', ['192.0.2.1', '2001:db8::1']],
    ['what carries IPv4', ['64:ff9b::a00:1', '2002:a00:1::', '::10.0.0.1']],
    ['no address', ['', 'localhost', '2130706433', '127.1']],
  ])('false: %s', (_, addresses) => {
    expect(addresses.filter(isPrivateAddress)).toEqual([]);
  });
});
