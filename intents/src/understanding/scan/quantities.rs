//! Numbers with their units: rates, volumes, durations, shares.

use serde_json::{Value, json};

use super::Scan;
use crate::understanding::entity::{Matter, number as plain_number};
use crate::understanding::number;
use crate::understanding::text::Shape;
use crate::words::Kind;

impl Scan<'_> {
    pub(super) fn quantities(&mut self, at: usize) {
        if self.inside_number(at) {
            return;
        }
        self.ratio(at);
        self.autonomous_system(at);
        self.dscp(at);
        let begin = self.text.tokens[at].begin;
        if let Some((value, behind)) = number::number(&self.text.folded, begin) {
            self.percent(at, value, behind);
            self.rate(at, value, behind);
            self.duration(at, value, behind);
            self.elided(at, value, behind);
            self.bare(at, value, behind);
        }
        self.han_percent(at, begin);
        self.unit_alone(at);
    }

    /// Whether the number that begins here is the tail of another: the 5 of 2.5.
    fn inside_number(&self, at: usize) -> bool {
        let token = &self.text.tokens[at];
        let before = |far: usize| at.checked_sub(far).map_or("", |it| self.word(it));
        let digits = |text: &str| text.chars().next().is_some_and(|it| it.is_ascii_digit());
        token.glued && before(1) == "." && digits(before(2)) && digits(&token.text)
    }

    fn end_of(&self, letter: usize) -> Option<usize> {
        self.text.token_at(letter)
    }

    /// The factor of the longest unit at a letter, and the letter behind it.
    fn unit(&self, units: &[(Vec<char>, f64)], letter: usize) -> Option<(f64, usize)> {
        let here = |letters: &[char], from: usize| self.text.letters.get(from..from + letters.len()) == Some(letters);
        let folded = |letters: &[char], from: usize| {
            let long = letters.len() > 3;
            let lower: Vec<char> = letters.iter().flat_map(|it| it.to_lowercase()).collect();
            long && self.text.folded.get(from..from + letters.len()) == Some(&lower)
        };
        let starts = self.unit_starts(letter);
        let (unit, factor, from) = starts.into_iter().find_map(|from| {
            let ends = |unit: &[char]| self.end_of(from + unit.len()).is_some();
            let exact = units.iter().find(|(unit, _)| here(unit, from) && ends(unit));
            let found = exact.or_else(|| units.iter().find(|(unit, _)| folded(unit, from) && ends(unit)));
            found.map(|(unit, factor)| (unit, *factor, from))
        })?;
        Some((factor, from + unit.len()))
    }

    /// Where a unit may begin behind a number: at once, behind a space, a hyphen or 个.
    fn unit_starts(&self, letter: usize) -> Vec<usize> {
        let mut starts = vec![letter];
        if let Some(' ' | '-' | '个') = self.text.letters.get(letter) {
            starts.push(letter + 1);
        }
        if self.text.letters.get(letter..letter + 3) == Some(&[' ', 'a', ' ']) {
            starts.push(letter + 3);
        }
        starts
    }

    fn rate(&mut self, at: usize, value: f64, behind: usize) {
        let volume = self.unit(&self.lexicon.volumes, behind);
        let rate = self.unit(&self.lexicon.rates, behind);
        if let Some((factor, end)) = volume.filter(|volume| rate.is_none_or(|rate| rate.1 <= volume.1)) {
            if let Some(end) = self.end_of(end) {
                // 每秒不超过4MB
                let earlier: String = self.text.folded[..self.text.tokens[at].begin]
                    .iter()
                    .rev()
                    .take(12)
                    .collect();
                let kind = if earlier.contains("秒每") {
                    Kind::Rate
                } else {
                    Kind::Volume
                };
                self.plain(at, end, kind, plain_number(value * factor));
            }
            return;
        }
        let Some((factor, mut end)) = rate else { return };
        let mut value = value;
        // 两兆五 is two and a half.
        let tail = self.text.folded.get(end).and_then(|it| number::chinese_digit(*it));
        let ends = |end: usize| {
            self.text
                .folded
                .get(end)
                .is_none_or(|it| number::chinese(&[*it], 0).is_none())
        };
        let last = self
            .text
            .letters
            .get(end - 1)
            .is_some_and(|it| matches!(it, '兆' | 'M' | 'G' | '吉'));
        if let Some(tenth) = tail.filter(|_| last && ends(end + 1)) {
            value += f64::from(tenth) / 10.0;
            end += 1;
        } else if self.text.folded.get(end) == Some(&'半') {
            value += 0.5;
            end += 1;
        }
        if let Some(end) = self.end_of(end) {
            self.plain(at, end, Kind::Rate, plain_number(value * factor));
        }
    }

    /// The 2 of `between 2 and 10 Mbit/s`.
    fn elided(&mut self, at: usize, value: f64, behind: usize) {
        let Some(end) = self.end_of(behind) else { return };
        if !matches!(self.word(end), "and" | "to" | "-" | "~" | "到" | "至" | "和")
            || self.unit(&self.lexicon.rates, behind).is_some()
        {
            return;
        }
        let Some(next) = self.text.tokens.get(end + 1) else {
            return;
        };
        let second = number::number(&self.text.folded, next.begin);
        let rate = second.and_then(|(_, behind)| self.unit(&self.lexicon.rates, behind));
        if let Some((factor, _)) = rate {
            self.plain(at, end, Kind::Rate, plain_number(value * factor));
        }
    }

    fn duration(&mut self, at: usize, value: f64, behind: usize) {
        let Some((factor, end)) = self.unit(&self.lexicon.durations, behind) else {
            return;
        };
        let mut seconds = value * factor;
        let mut letter = end;
        if self.text.folded.get(letter) == Some(&'半') {
            seconds += factor / 2.0;
            letter += 1;
        }
        // 一个半小时
        let next = if self.text.folded.get(letter) == Some(&' ') {
            letter + 1
        } else {
            letter
        };
        if let Some((more, more_behind)) = number::digits(&self.text.folded, next)
            && let Some((smaller, more_end)) = self.unit(&self.lexicon.durations, more_behind)
            && smaller < factor
        {
            seconds += more * smaller;
            letter = more_end;
        }
        if let Some(end) = self.end_of(letter) {
            self.plain(at, end, Kind::Duration, plain_number(seconds));
        }
    }

    /// `an hour`, `last hour`, `half an hour`, 一个半小时.
    fn unit_alone(&mut self, at: usize) {
        let words: &[(&[&str], f64)] = &[
            (&["half", "an"], 0.5),
            (&["half", "a"], 0.5),
            (&["a", "couple", "of"], 2.0),
            (&["an"], 1.0),
            (&["a"], 1.0),
            (&["last"], 1.0),
            (&["past"], 1.0),
            (&["previous"], 1.0),
            (&["next"], 1.0),
            (&["这"], 1.0),
            (&["一", "个", "半"], 1.5),
            (&["两", "个", "半"], 2.5),
            (&["一", "个"], 1.0),
            (&["半", "个"], 0.5),
            (&["上", "个"], 1.0),
            (&["上", "一"], 1.0),
        ];
        for (words, value) in words {
            let said = words.iter().enumerate().all(|(far, word)| self.word(at + far) == *word);
            let Some(token) = self.text.tokens.get(at + words.len()).filter(|_| said) else {
                continue;
            };
            let begin = if words.len() > 1 || token.shape == Shape::Word {
                at
            } else {
                at + 1
            };
            if let Some((factor, end)) = self.unit(&self.lexicon.durations, token.begin)
                && let Some(end) = self.end_of(end)
                && end > at + words.len()
                && !(token.shape == Shape::Word && token.text.len() < 3)
            {
                let half = [("and", 0), ("a", 1), ("half", 2)]
                    .iter()
                    .all(|(word, far)| self.word(end + far) == *word);
                let (value, end) = if half { (value + 0.5, end + 3) } else { (*value, end) };
                self.plain(begin.min(at), end, Kind::Duration, plain_number(value * factor));
                return;
            }
        }
    }

    fn percent(&mut self, at: usize, value: f64, behind: usize) {
        let rest: String = self.text.folded.iter().skip(behind).take(9).collect();
        for unit in ["%", " %", " percent", "percent", " per cent", "个点"] {
            if rest.starts_with(unit)
                && let Some(end) = self.end_of(behind + unit.chars().count())
            {
                self.plain(at, end, Kind::Percent, plain_number(value));
                return;
            }
        }
        // 三成 is thirty percent.
        if rest.starts_with('成')
            && value < 11.0
            && let Some(end) = self.end_of(behind + 1)
        {
            self.plain(at, end, Kind::Percent, plain_number(value * 10.0));
        }
    }

    /// 百分之八十
    fn han_percent(&mut self, at: usize, begin: usize) {
        if self.text.folded.get(begin..begin + 3) != Some(&['百', '分', '之']) {
            return;
        }
        if let Some((value, behind)) = number::number(&self.text.folded, begin + 3)
            && let Some(end) = self.end_of(behind)
        {
            self.plain(at, end, Kind::Percent, plain_number(value));
        }
    }

    /// A number without a unit; of a word such as `one` it is not sure that it is a number.
    fn bare(&mut self, at: usize, value: f64, behind: usize) {
        let Some(end) = self.end_of(behind) else { return };
        let glued = |at: usize| self.text.tokens.get(at).is_some_and(|it| it.glued);
        let joins = |at: usize| matches!(self.word(at), ":" | "." | "/") && glued(at);
        let number = |at: usize| self.word(at).starts_with(|it: char| it.is_ascii_digit());
        let tail = at > 1 && joins(at - 1) && glued(at) && number(at - 2);
        if tail || (joins(end) && glued(end + 1) && number(end + 1)) {
            return;
        }
        let digits = self.text.tokens[at]
            .text
            .chars()
            .next()
            .is_some_and(|it| it.is_ascii_digit());
        if digits {
            self.plain(at, end, Kind::Number, plain_number(value));
        } else {
            self.faint(at, end, Kind::Number, plain_number(value));
        }
    }

    /// `70/30`, `2:1`, `60-40`, 七三分, 对半; and single shares.
    fn ratio(&mut self, at: usize) {
        if let Some((end, share)) = self.lexicon.ratios.longest(self.tokens(), at) {
            let share = *share;
            self.faint(at, end, Kind::Ratio, json!([share]));
        }
        let part = |at: usize| self.word(at).parse::<u32>().ok().filter(|it| *it > 0);
        let (mut parts, mut end, sign) = (Vec::new(), at, self.word(at + 1).to_owned());
        while let Some(number) = part(end) {
            parts.push(number);
            end += 1;
            let more = matches!(sign.as_str(), ":" | "/" | "-" | "比") && self.word(end) == sign;
            if !more || part(end + 1).is_none() {
                break;
            }
            end += 1;
        }
        let before = at.checked_sub(1).map_or("", |it| self.word(it));
        let alone = !matches!(before, "." | ":" | "/") && !matches!(self.word(end), "." | ":" | "/");
        let ends = alone || (self.word(end) == "." && !self.text.tokens.get(end + 1).is_some_and(|it| it.glued));
        let small = parts.iter().all(|it| *it <= 100);
        if parts.len() > 1 && ends && small && end == at + 2 * parts.len() - 1 {
            let fraction = sign == "/" && parts.len() == 2 && parts[0] < parts[1] && parts[0] + parts[1] != 100;
            let value = if fraction {
                json!([f64::from(parts[0]) / f64::from(parts[1])])
            } else {
                json!(parts)
            };
            self.plain(at, end, Kind::Ratio, value);
        }
        self.told_ratio(at);
        self.han_ratio(at);
    }

    /// `3 to 1`, `three to one`, `2 and 1`: a ratio only for who asks for one.
    fn told_ratio(&mut self, at: usize) {
        let small = |at: usize| {
            let begin = self.text.tokens.get(at)?.begin;
            let (value, behind) = number::number(&self.text.folded, begin)?;
            (value.fract() == 0.0 && (1.0..=100.0).contains(&value)).then_some((value as u32, self.end_of(behind)?))
        };
        let Some((first, joint)) = small(at) else { return };
        if !matches!(self.word(joint), "to" | "and") {
            return;
        }
        if let Some((second, end)) = small(joint + 1) {
            self.faint(at, end, Kind::Ratio, json!([first, second]));
        }
    }

    /// 七三分, 七三开, 六四比例, 七比三, 三七分成
    fn han_ratio(&mut self, at: usize) {
        let digit = |at: usize| {
            let mut letters = self.word(at).chars();
            letters.next().and_then(number::chinese_digit).filter(|it| *it > 0)
        };
        let (Some(first), second) = (digit(at), digit(at + 1)) else {
            return;
        };
        if let Some(second) = second.filter(|_| matches!(self.word(at + 2), "分" | "开" | "比" | "成")) {
            self.plain(at, at + 3, Kind::Ratio, json!([first, second]));
        } else if let Some(second) = digit(at + 2).filter(|_| self.word(at + 1) == "比") {
            self.plain(at, at + 3, Kind::Ratio, json!([first, second]));
        }
    }

    /// `as 64500`, `AS4200000001`, `asn 65001`, AS号65010
    fn autonomous_system(&mut self, at: usize) {
        let word = self.word(at).to_owned();
        let rest = word.strip_prefix("asn").or_else(|| word.strip_prefix("as"));
        let Some(rest) = rest else { return };
        if let Ok(number) = rest.parse::<u32>() {
            self.plain(at, at + 1, Kind::As, json!(number));
        }
        if !rest.is_empty() {
            return;
        }
        let mut next = at + 1;
        while matches!(
            self.word(next),
            "号" | "number" | "#" | "no" | "是" | "为" | ":" | "=" | "is" | "自" | "治" | "系" | "统"
        ) {
            next += 1;
        }
        if let Ok(number) = self.word(next).parse::<u32>() {
            self.plain(at, next + 1, Kind::As, json!(number));
        }
    }

    /// `dscp ef`, `dscp 46`
    fn dscp(&mut self, at: usize) {
        let behind = usize::from(self.word(at) == "dscp");
        let class = self.word(at + behind).to_owned();
        let known = self.lexicon.dscp.contains(&class);
        let number = class.parse::<u8>().is_ok_and(|it| it < 64) && behind == 1;
        if known || number {
            self.add(at, at + behind + 1, Kind::Dscp, Matter::Plain(Value::String(class)));
        }
    }
}
