//! Which addresses a push may go to: whoever can write a pod's status must not be able to aim requests at the node,
//! at the cloud's metadata service or at the operator itself.
//! Must not know pods; it judges bare addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an installation allows beyond the usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AddressRules {
    /// Loopback addresses are targets too. For local runs only: in a cluster they are the operator itself.
    pub allow_loopback: bool,
}

impl AddressRules {
    /// Whether a push may go there.
    ///
    /// # Errors
    /// Why not, in words that continue "… is not pushed to:".
    pub fn check(self, address: IpAddr) -> Result<(), &'static str> {
        let problem = match address {
            IpAddr::V4(address) if address.is_loopback() => self.loopback(),
            IpAddr::V6(address) if address.is_loopback() => self.loopback(),
            IpAddr::V4(address) => forbidden_v4(address),
            IpAddr::V6(address) => forbidden_v6(address),
        };
        problem.map_or(Ok(()), Err)
    }

    fn loopback(self) -> Option<&'static str> {
        (!self.allow_loopback).then_some("it is a loopback address, which would reach the operator itself")
    }
}

const METADATA: &str = "it is the metadata service of a cloud";
const EMBEDDED: &str = "it is an IPv6 form of an IPv4 address; a pod has its address in plain form";

/// Addresses at which clouds serve credentials, beside the link-local ones, which are refused as such.
/// Sources: the clouds' manuals (Azure, Alibaba, Oracle; EC2 and Google over IPv6).
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254)];

/// The class E range stays allowed: some clusters give it to pods.
fn forbidden_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [first, second, third, _] = address.octets();
    if METADATA_V4.contains(&address) || address == Ipv4Addr::new(169, 254, 169, 254) {
        Some(METADATA)
    } else if first == 0 {
        Some("it is unspecified")
    } else if address.is_link_local() {
        Some("it is a link-local address")
    } else if address.is_multicast() {
        Some("it is a multicast address")
    } else if address.is_broadcast() {
        Some("it is the broadcast address")
    } else if address.is_documentation() {
        Some("it is reserved for documentation")
    } else if (first, second, third) == (192, 0, 0) {
        Some("it is reserved for protocols")
    } else {
        None
    }
}

fn forbidden_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    let [first, second, ..] = segments;
    if METADATA_V6.contains(&address) {
        return Some(METADATA);
    }
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("it is unspecified"),
        // Compatible, mapped, translated and both NAT64 forms, and 6to4: each leads to some IPv4 address.
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, ..] | [0x2002, ..] => {
            Some(EMBEDDED)
        }
        _ if first & 0xffc0 == 0xfe80 => Some("it is a link-local address"),
        _ if first & 0xff00 == 0xff00 => Some("it is a multicast address"),
        _ if (first, second) == (0x2001, 0x0db8) || first == 0x3fff && second & 0xf000 == 0 => {
            Some("it is reserved for documentation")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(address: &str, allow_loopback: bool) -> Result<(), &'static str> {
        AddressRules { allow_loopback }.check(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_pods_are_allowed() {
        let pods = ["10.0.0.1", "172.16.5.4", "192.168.1.1", "100.64.0.9", "240.0.0.7", "8.8.8.8", "192.0.1.1"];
        for address in pods.into_iter().chain(["fd00::1", "2001:4860::1", "fc00::5", "64:ff9a::1", "3fff:1000::1"]) {
            assert_eq!(verdict(address, false), Ok(()), "{address}");
        }
    }

    #[test]
    fn loopback_is_a_target_only_where_it_is_allowed() {
        for address in ["127.0.0.1", "127.9.8.7", "::1"] {
            assert!(verdict(address, false).is_err(), "{address}");
            assert_eq!(verdict(address, true), Ok(()), "{address}");
        }
    }

    #[test]
    fn special_addresses_are_refused_even_where_loopback_is_allowed() {
        let special = [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("::", "unspecified"),
            ("169.254.0.1", "link-local"),
            ("169.254.169.254", "metadata"),
            ("168.63.129.16", "metadata"),
            ("100.100.100.200", "metadata"),
            ("192.0.0.192", "metadata"),
            ("192.0.0.8", "protocols"),
            ("fd00:ec2::254", "metadata"),
            ("fd20:ce::254", "metadata"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("ff02::1", "multicast"),
            ("255.255.255.255", "broadcast"),
            ("192.0.2.1", "documentation"),
            ("198.51.100.2", "documentation"),
            ("203.0.113.3", "documentation"),
            ("2001:db8::1", "documentation"),
            ("3fff:0fff::1", "documentation"),
            ("::ffff:10.0.0.1", "IPv4"),
            ("::ffff:127.0.0.1", "IPv4"),
            ("::ffff:169.254.169.254", "IPv4"),
            ("::10.0.0.1", "IPv4"),
            ("::ffff:0:10.0.0.1", "IPv4"),
            ("64:ff9b::a00:1", "IPv4"),
            ("64:ff9b:1::1", "IPv4"),
            ("2002:a00:1::1", "IPv4"),
        ];
        for (address, reason) in special {
            for allow_loopback in [false, true] {
                let verdict = verdict(address, allow_loopback);
                assert!(verdict.is_err_and(|problem| problem.contains(reason)), "{address}: {verdict:?}");
            }
        }
    }
}
