//! Protocols, ports and well-known services.

use super::Scan;
use crate::understanding::entity::Matter;
use crate::words::Kind;

impl Scan<'_> {
    pub(super) fn services(&mut self, at: usize) {
        if let Some((end, service)) = self.lexicon.services.longest(self.tokens(), at) {
            let service = service.clone();
            match service.split_once('/') {
                Some((protocol, port)) => self.service(at, end, Some(protocol), vec![port.to_owned()]),
                None => self.protocol(at, end, &service),
            }
        } else if matches!(self.word(at), "port" | "ports" | "端" | "目") {
            self.ports_behind(at);
        } else {
            self.ports_before(at);
        }
    }

    fn service(&mut self, at: usize, end: usize, protocol: Option<&str>, ports: Vec<String>) {
        let protocol = protocol.map(str::to_owned);
        self.add(at, end, Kind::Service, Matter::Service { protocol, ports });
    }

    /// `tcp`, `tcp 873`, `tcp/873`, `tcp port 873`, `tcp ports 80 and 8080`
    fn protocol(&mut self, at: usize, end: usize, protocol: &str) {
        let mut next = end;
        while matches!(self.word(next), "port" | "ports" | "/" | ":" | "端" | "口" | "的" | "-") {
            next += 1;
        }
        let (ports, behind) = self.port_list(next);
        if protocol != "icmp" && !ports.is_empty() {
            self.service(at, self.behind_port(behind), Some(protocol), ports);
        }
        self.service(at, end, Some(protocol), Vec::new());
    }

    /// `port 8080`, `ports 80,443`, `port 53 udp`
    fn ports_behind(&mut self, at: usize) {
        let mut next = at;
        while matches!(
            self.word(next),
            "port" | "ports" | "端" | "口" | "目" | "标" | "的" | "号" | "为" | "是" | ":"
        ) {
            next += 1;
        }
        if next == at + 1 && !matches!(self.word(at), "port" | "ports") {
            return;
        }
        let (ports, behind) = self.port_list(next);
        if ports.is_empty() && self.word(next).parse::<u64>().is_ok_and(|it| it > 65_535) {
            let said = self.word(next).to_owned();
            self.add(at, next + 1, Kind::Service, Matter::Invalid { said });
        }
        self.with_protocol_behind(at, behind, ports);
    }

    /// `5432/tcp`, `443 tcp`, `8080端口`, 445、3389两个tcp端口
    fn ports_before(&mut self, at: usize) {
        // The last part of an address is no port.
        if at > 0 && self.tokens()[at].glued && self.word(at - 1) == "." {
            return;
        }
        let (ports, behind) = self.port_list(at);
        if ports.is_empty() {
            return;
        }
        let said = |far: usize, words: &[&str]| {
            words
                .iter()
                .enumerate()
                .all(|(n, word)| self.word(behind + far + n) == *word)
        };
        if said(0, &["端", "口"]) || said(0, &["号", "端", "口"]) || said(0, &["口"]) && ports.len() == 1 {
            let end = behind + 1 + usize::from(self.word(behind) != "口") + usize::from(self.word(behind) == "号");
            if self.word(behind) != "口" {
                self.service(at, end, None, ports.clone());
            }
        }
        self.with_protocol_behind(at, behind, ports);
    }

    fn with_protocol_behind(&mut self, at: usize, behind: usize, ports: Vec<String>) {
        if ports.is_empty() {
            return;
        }
        let mut next = behind;
        while matches!(
            self.word(next),
            "/" | "两" | "三" | "个" | "这" | "的" | "号" | "端" | "口" | "," | "over" | "on" | "("
        ) && next < behind + 4
        {
            next += 1;
        }
        let protocol = self.word(next).to_owned();
        if matches!(protocol.as_str(), "tcp" | "udp") {
            let end = self.behind_port(next + 1);
            let end = if self.word(end) == ")" { end + 1 } else { end };
            self.service(at, end, Some(&protocol), ports.clone());
        }
        if matches!(self.word(at), "port" | "ports" | "端" | "目") {
            self.service(at, behind, None, ports);
        }
    }

    fn behind_port(&self, at: usize) -> usize {
        match (self.word(at), self.word(at + 1)) {
            ("端", "口") => at + 2,
            ("port" | "ports", _) => at + 1,
            _ => at,
        }
    }

    /// Ports that follow one another, and the token behind them.
    fn port_list(&self, at: usize) -> (Vec<String>, usize) {
        let (mut ports, mut next, mut end) = (Vec::new(), at, at);
        while let Some(port) = self.port(next) {
            let range = matches!(self.word(next + 1), "-" | "到" | "至" | "to" | "~")
                .then(|| self.port(next + 2))
                .flatten();
            match range.filter(|to| *to > port) {
                Some(to) => {
                    ports.push(format!("{port}-{to}"));
                    end = next + 3;
                }
                None => {
                    ports.push(port.to_string());
                    end = next + 1;
                }
            }
            if !matches!(self.word(end), "," | "、" | "and" | "和" | "&" | "or" | "与" | "跟") {
                break;
            }
            next = end + 1;
        }
        (ports, end)
    }

    fn port(&self, at: usize) -> Option<u32> {
        self.word(at).parse::<u32>().ok().filter(|it| (1..65536).contains(it))
    }
}
