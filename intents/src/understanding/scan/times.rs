//! Times of day, spans of them, days of the week, and moments that are over.

use serde_json::{Value, json};

use super::Scan;
use crate::understanding::entity::Matter;
use crate::understanding::lexicon::Daytime;
use crate::understanding::number;
use crate::words::Kind;

/// A time of day as it is said.
#[derive(Debug, Clone, Copy)]
struct Moment {
    /// Hours as said.
    hour: u32,
    /// Minutes.
    minute: u32,
    /// The word beside it.
    daytime: Option<Daytime>,
    /// Whether it is surely a time of day, not a bare number.
    sure: bool,
    /// The token behind it.
    end: usize,
}

impl Moment {
    fn possible(self) -> bool {
        self.hour <= 24 && self.minute < 60 && (self.hour < 24 || self.minute == 0)
    }

    fn text(self) -> String {
        let hour = match (self.daytime, self.hour) {
            (Some(Daytime::Evening | Daytime::Night | Daytime::Morning), 12) | (_, 24) => 0,
            (Some(Daytime::Night), hour) if hour < 6 => hour,
            (Some(Daytime::Evening | Daytime::Night), hour) if hour < 12 => hour + 12,
            // 中午1点 is 13:00.
            (Some(Daytime::Noon), hour) if hour < 3 => hour + 12,
            (_, hour) => hour,
        };
        format!("{hour:02}:{:02}", self.minute)
    }
}

impl Scan<'_> {
    pub(super) fn times(&mut self, at: usize) {
        self.weekdays(at);
        self.over(at);
        self.until_month_end(at);
        if self.split_token(at) {
            return;
        }
        let Some(first) = self.moment(at) else { return };
        if let Some(second) = self.second(first) {
            let (first, second) = share(first, second);
            let begun = at > 0 && matches!(self.word(at - 1), "from" | "between" | "hours" | "weekdays" | "daily");
            if (first.sure || second.sure || begun) && first.possible() && second.possible() {
                let value = json!({ "from": first.text(), "to": second.text() });
                self.plain(at, second.end, Kind::Time, value);
            }
        }
        // 70:30 are shares.
        if !first.sure || !first.possible() && first.hour + first.minute == 100 {
            return;
        }
        if first.possible() {
            self.plain(at, first.end, Kind::Time, json!({ "from": first.text() }));
        } else {
            let said = self.text.said(at, first.end);
            self.add(at, first.end, Kind::Time, Matter::Invalid { said });
        }
    }

    /// Whether the token is the tail of a number with a point or of an address.
    fn split_token(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map_or("", |it| self.word(it));
        self.tokens()[at].glued && matches!(before, "." | ":" | "/")
    }

    /// The word beside an hour that begins at a letter.
    fn daytime(&self, letter: usize) -> Option<(Daytime, usize)> {
        let from = if self.text.folded.get(letter) == Some(&' ') {
            letter + 1
        } else {
            letter
        };
        let here = |word: &&(Vec<char>, Daytime)| {
            self.text.folded.get(from..from + word.0.len()) == Some(&word.0[..])
                && (self.text.token_at(from + word.0.len()).is_some())
        };
        let (word, daytime) = self.lexicon.daytimes.iter().find(here)?;
        Some((*daytime, from + word.len()))
    }

    fn moment(&self, at: usize) -> Option<Moment> {
        let begin = self.text.tokens.get(at)?.begin;
        if let Some(moment) = self.past_the_hour(at) {
            return Some(moment);
        }
        let before = self.daytime(begin);
        let mut letter = before.map_or(begin, |(_, behind)| behind);
        if before.is_some() && self.text.folded.get(letter) == Some(&' ') {
            letter += 1;
        }
        let Some((hour, behind)) = whole(&self.text.folded, letter) else {
            let (daytime, behind) = before.filter(|(it, _)| matches!(it, Daytime::Noon | Daytime::Midnight))?;
            let hour = if daytime == Daytime::Noon { 12 } else { 0 };
            let end = self.text.token_at(behind)?;
            return Some(Moment {
                hour,
                minute: 0,
                daytime: None,
                sure: true,
                end,
            });
        };
        let (minute, mut behind, clock) = self.minutes(behind);
        let mut daytime = before.map(|(it, _)| it);
        if let Some((after, end)) = self.daytime(behind).filter(|_| daytime.is_none()) {
            let english = self.text.folded[..end].last().is_some_and(char::is_ascii) || after == Daytime::Noon;
            if english {
                daytime = Some(after);
                behind = end;
            }
        }
        let end = self.text.token_at(behind)?;
        let sure = clock || (daytime.is_some() && before.is_none());
        let bare = !sure && before.is_none();
        (sure || bare).then_some(Moment {
            hour,
            minute,
            daytime,
            sure,
            end,
        })
    }

    /// `half past two`, `quarter to three`
    fn past_the_hour(&self, at: usize) -> Option<Moment> {
        let (minutes, next) = match (self.word(at), self.word(at + 1), self.word(at + 2)) {
            ("half", "past", _) => (30, at + 2),
            ("quarter", "past", _) => (15, at + 2),
            ("quarter", "to", _) => (45, at + 2),
            ("a", "quarter", "past") => (15, at + 3),
            ("a", "quarter", "to") => (45, at + 3),
            _ => return None,
        };
        let (hour, behind) = whole(&self.text.folded, self.text.tokens.get(next)?.begin)?;
        let hour = if minutes == 45 { (hour + 23) % 24 } else { hour };
        let after = self.daytime(behind);
        let end = self.text.token_at(after.map_or(behind, |(_, end)| end))?;
        Some(Moment {
            hour,
            minute: minutes,
            daytime: after.map(|(it, _)| it),
            sure: true,
            end,
        })
    }

    /// Minutes behind an hour, and whether something says that this is a clock.
    fn minutes(&self, behind: usize) -> (u32, usize, bool) {
        let letter = |far: usize| self.text.folded.get(behind + far).copied();
        if letter(0) == Some(':') {
            let digits: String = (1..)
                .map_while(|far| letter(far).filter(char::is_ascii_digit))
                .collect();
            if digits.len() == 2 {
                let more = letter(3) == Some(':');
                let seconds = if more { 3 } else { 0 };
                return (digits.parse().unwrap_or(99), behind + 3 + seconds, true);
            }
        }
        let rest: String = self.text.folded.iter().skip(behind).take(8).collect();
        if rest.starts_with(" o'clock") || rest.starts_with(" o clock") {
            return (0, behind + 8, true);
        }
        let hour_sign = matches!(letter(0), Some('点' | '时')) && letter(1) != Some('延');
        if !hour_sign {
            return (0, behind, false);
        }
        let mut next = behind + 1;
        if letter(0) == Some('点') && letter(1) == Some('钟') {
            return (0, next + 1, true);
        }
        if self.text.folded.get(next) == Some(&'半') {
            return (30, next + 1, true);
        }
        if let Some((minute, end)) = whole(&self.text.folded, next) {
            let unit = self.text.folded.get(end);
            if unit == Some(&'刻') {
                return (minute * 15, end + 1, true);
            }
            if minute < 60 && (unit == Some(&'分') || end - next > 1) {
                next = if unit == Some(&'分') { end + 1 } else { end };
                return (minute, next, true);
            }
        }
        (0, next, true)
    }

    /// The end of a span: `to 7pm`, `- 18:00`, 到次日6点.
    fn second(&self, first: Moment) -> Option<Moment> {
        let mut at = first.end;
        let joined = matches!(
            self.word(at),
            "to" | "till" | "until" | "-" | "~" | "到" | "至" | "and" | "thru" | "through"
        );
        if !joined {
            return None;
        }
        while matches!(
            self.word(at),
            "to" | "till" | "until" | "-" | "~" | "到" | "至" | "and" | "thru" | "through"
        ) {
            at += 1;
        }
        for words in [
            &["次", "日"][..],
            &["第", "二", "天"],
            &["明", "天"],
            &["隔", "天"],
            &["翌", "日"],
        ] {
            if words.iter().enumerate().all(|(far, word)| self.word(at + far) == *word) {
                at += words.len();
            }
        }
        if self.word(at) == "的" {
            at += 1;
        }
        self.moment(at)
    }

    /// `saturday`, `weekdays`, `monday to friday`, 周一到周五.
    fn weekdays(&mut self, at: usize) {
        let Some((mut end, days)) = self.lexicon.days.longest(self.tokens(), at) else {
            return;
        };
        let mut days = days.clone();
        let mut more = end;
        while matches!(
            self.word(more),
            "and" | "," | "、" | "和" | "to" | "-" | "到" | "至" | "through" | "till" | "&"
        ) {
            let through = !matches!(self.word(more), "and" | "," | "、" | "和" | "&");
            let Some((behind, next)) = self.lexicon.days.longest(self.tokens(), more + 1) else {
                break;
            };
            days = if through {
                between(&days, next)
            } else {
                [days, next.clone()].concat()
            };
            end = behind;
            more = behind;
        }
        self.plain(at, end, Kind::Time, json!({ "days": days }));
    }

    /// `yesterday at 22:00`, `ten minutes ago`, 昨晚十点, 十分钟前.
    fn over(&mut self, at: usize) {
        let yesterday = [
            &["yesterday"][..],
            &["last", "night"],
            &["昨", "天"],
            &["昨", "日"],
            &["昨", "晚"],
            &["昨", "夜"],
        ];
        for words in yesterday {
            if !words.iter().enumerate().all(|(far, word)| self.word(at + far) == *word) {
                continue;
            }
            let evening = matches!(words.last(), Some(&"晚" | &"夜"));
            let mut next = at + words.len();
            self.plain(at, next, Kind::Past, json!("yesterday"));
            while matches!(
                self.word(next),
                "at" | "around" | "的" | "大" | "约" | "evening" | "morning" | "afternoon"
            ) {
                next += 1;
            }
            if let Some(mut moment) = self.moment(next).filter(|it| (it.sure || evening) && it.possible()) {
                if evening && moment.daytime.is_none() && moment.hour < 12 {
                    moment.daytime = Some(Daytime::Evening);
                }
                self.plain(
                    at,
                    moment.end,
                    Kind::Past,
                    json!(format!("yesterday {}", moment.text())),
                );
            }
            return;
        }
        let here: Vec<(usize, Value)> = self
            .found
            .iter()
            .filter(|it| it.begin == at && it.kind == Kind::Duration)
            .filter_map(|it| Some((it.end, json!(format!("-{}", it.matter.number()?)))))
            .collect();
        for (end, value) in here {
            let ago = match (self.word(end), self.word(end + 1)) {
                ("前", "十" | "五" | "三" | "二" | "八" | "一" | "两" | "六" | "n") => continue,
                ("前", next) if next.starts_with(|it: char| it.is_ascii_digit()) => continue,
                ("ago" | "earlier" | "前", _) => end + 1,
                ("之" | "以", "前") => end + 2,
                _ => continue,
            };
            self.plain(at, ago, Kind::Past, value);
        }
    }

    /// `until the end of the month`, 到月底
    fn until_month_end(&mut self, at: usize) {
        for words in [
            &["end", "of", "the", "month"][..],
            &["end", "of", "month"],
            &["month", "end"],
            &["month", "-", "end"],
            &["月", "底"],
            &["月", "末"],
        ] {
            if words.iter().enumerate().all(|(far, word)| self.word(at + far) == *word) {
                self.plain(at, at + words.len(), Kind::Time, json!({ "until": "month-end" }));
            }
        }
    }
}

/// A whole number at a letter.
fn whole(folded: &[char], at: usize) -> Option<(u32, usize)> {
    let letters: usize = folded.get(at..)?.iter().take_while(|it| it.is_ascii_digit()).count();
    if letters > 0 {
        let text: String = folded[at..at + letters].iter().collect();
        return (letters < 3)
            .then(|| text.parse().ok().map(|it| (it, at + letters)))
            .flatten();
    }
    let mut end = at;
    while folded
        .get(end)
        .is_some_and(|it| number::chinese_digit(*it).is_some() || *it == '十')
    {
        end += 1;
    }
    let chinese = number::chinese(&folded[..end], at).filter(|(_, behind)| *behind == end);
    let english =
        || number::english(folded, at).filter(|(value, _)| value.fract() == 0.0 && (1.0..=12.0).contains(value));
    let (value, behind) = chinese.or_else(english)?;
    (value < 100.0).then_some((value as u32, behind))
}

/// Of two times that make a span, one may say for both that it is evening.
fn share(mut first: Moment, mut second: Moment) -> (Moment, Moment) {
    match (first.daytime, second.daytime) {
        (Some(Daytime::Evening | Daytime::Night), None)
            if second.hour > first.hour && second.hour <= 12 && first.hour < 12 =>
        {
            second.daytime = first.daytime;
        }
        (None, Some(Daytime::Evening | Daytime::Night))
            if !first.sure && first.hour < second.hour && second.hour < 12 =>
        {
            first.daytime = second.daytime;
        }
        _ => {}
    }
    (first, second)
}

fn between(from: &[&'static str], to: &[&'static str]) -> Vec<&'static str> {
    const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let place = |day: Option<&&'static str>| day.and_then(|day| WEEK.iter().position(|it| it == day)).unwrap_or(0);
    let (first, last) = (place(from.first()), place(to.last()));
    let span = if last >= first { last - first } else { 7 + last - first };
    (0..=span).map(|far| WEEK[(first + far) % 7]).collect()
}
