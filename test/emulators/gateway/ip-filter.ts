import { BlockList, isIP } from 'node:net';

import { PolicyError } from './errors.ts';
import { attributesOf, elementsOf, reject, textOf, type Statement } from './statement.ts';
import type { XmlElement } from './xml.ts';

/** `ip-filter`: lets through, or keeps out, the callers with the addresses listed. */
export const ipFilter: Statement = {
  sections: ['inbound'],
  compile(element) {
    const { action } = attributesOf(element, ['action']);
    if (action !== 'allow' && action !== 'forbid') reject(element, `action ${action} is not known`);
    const list = new BlockList();
    const entries = elementsOf(element);
    if (entries.length === 0) reject(element, 'at least one address or range is required');
    for (const entry of entries) add(list, entry);
    return ({ request: { ipAddress } }) => {
      const listed = list.check(ipAddress, family(ipAddress));
      if (listed === (action === 'allow')) return 'continue';
      throw new PolicyError({
        source: 'ip-filter',
        reason: action === 'allow' ? 'CallerIpNotAllowed' : 'CallerIpBlocked',
        status: 403,
        message:
          action === 'allow'
            ? `Caller IP address ${ipAddress} is not allowed. Access denied.`
            : 'Caller IP address is blocked. Access denied.',
      });
    };
  },
};

function add(list: BlockList, entry: XmlElement): void {
  if (entry.name === 'address') {
    attributesOf(entry, []);
    const address = checked(entry, textOf(entry));
    list.addAddress(address, family(address));
  } else if (entry.name === 'address-range') {
    const { from, to } = attributesOf(entry, ['from', 'to']);
    list.addRange(checked(entry, from), checked(entry, to), family(from));
  } else {
    reject(entry, 'not allowed here');
  }
}

function checked(entry: XmlElement, address: string): string {
  return isIP(address) === 0 ? reject(entry, `${address} is not an IP address`) : address;
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
