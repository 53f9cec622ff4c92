//! How often the model is asked, and how much it may cost.

/// What is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Calls in an hour of the clock.
    pub calls_an_hour: u64,
    /// Tokens in the last 24 hours of the clock.
    pub tokens_a_day: u64,
}

/// What was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Calls in this hour.
    pub calls: u64,
    /// Tokens in this hour and the 23 before.
    pub tokens: u64,
}

impl Budget {
    /// Whether one more question may be asked; else why not.
    pub fn allows(&self, used: &Used) -> Result<(), String> {
        if used.calls >= self.calls_an_hour {
            return Err(format!("its budget of {} calls an hour is spent", self.calls_an_hour));
        }
        if used.tokens >= self.tokens_a_day {
            return Err(format!("its budget of {} tokens a day is spent", self.tokens_a_day));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_is_not_granted() {
        let budget = Budget {
            calls_an_hour: 2,
            tokens_a_day: 10,
        };
        let allows = |calls, tokens| budget.allows(&Used { calls, tokens }).err().unwrap_or_default();
        assert_eq!(allows(1, 9), "");
        assert!(allows(2, 0).contains("2 calls an hour"));
        assert!(allows(0, 10).contains("10 tokens a day"));
    }
}
