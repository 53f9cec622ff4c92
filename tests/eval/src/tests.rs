//! The corpus is frozen, and what is understood of its develop half does not get less.

use sha2::{Digest, Sha256};

use crate::corpus::{Corpus, Grounds, Half, folder};
use crate::reader;
use crate::renamed::Renamed;
use crate::score::score;

/// The files of the corpus as they were when it was frozen.
const FROZEN: &[(&str, &str)] = &[
    (
        "en.jsonl",
        "eeecd4affdc953b8df63259278ccc8b4cb3f4724ae41e762f3be5240e5bd87fe",
    ),
    (
        "zh.jsonl",
        "c17df8649c416deae71a877268afd27a959a55596477c510d8776538e8bc0263",
    ),
    (
        "holding.jsonl",
        "95e0c076ea095f35d65cc8befb1625b45d34a0d50d47bf9ab492358d24fa04ad",
    ),
    (
        "inventory.yaml",
        "1f49adb6362d2649e88824ddc7e1d22fe46e3d315a74e315c618df4a60f6acfc",
    ),
    (
        "classes.md",
        "f38aa9cadfc971bee463648b577437901e8948ce619dc283d10aa020846c544d",
    ),
    (
        "README.md",
        "46ede239286a79149443aeab09d69b343cb3a7ee6b9171cdfdda61b5c285d2a7",
    ),
];

/// For each language, the least share of the develop half that is exact, and the most that is wrong and confident.
const FLOORS: &[(&str, f64, f64)] = &[("en", 0.93, 0.015), ("zh", 0.91, 0.03)];

/// The same for the sentences that were written to see what the reader does with what it has not met.
const FRESH: &[(&str, f64, f64)] = &[("en", 0.88, 0.03), ("zh", 0.92, 0.03)];

/// The same for sentences by others, of whose second half most was never read.
const OTHERS: &[(&str, Half, f64, f64)] = &[
    ("en", Half::Develop, 0.77, 0.04),
    ("en", Half::Scored, 0.66, 0.065),
    ("zh", Half::Develop, 0.77, 0.055),
    ("zh", Half::Scored, 0.55, 0.06),
];

/// How much less may be exact where every name, address and number is another.
const RENAMED: f64 = 0.02;

#[test]
fn the_corpus_is_frozen() {
    for (file, expected) in FROZEN {
        let bytes = std::fs::read(folder().join(file)).unwrap();
        let digest: String = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            digest, *expected,
            "{file} must never change: a wrong label goes into errors.jsonl"
        );
    }
}

#[test]
fn the_develop_half_stays_understood() {
    let reader = reader().unwrap();
    let grounds = Grounds::read(&folder().join("inventory.yaml")).unwrap();
    for (language, exact, wrong) in FLOORS {
        let corpus = Corpus::read(&folder().join(format!("{language}.jsonl"))).unwrap();
        let totals = score(&corpus, Half::Develop, &grounds, &reader, &mut |_, _, _, _| {});
        assert!(
            totals.all.exact() >= *exact,
            "{language}: {} of the develop half is exact",
            totals.all.exact()
        );
        assert!(
            totals.all.wrong() <= *wrong,
            "{language}: {} is wrong and confident",
            totals.all.wrong()
        );
    }
}

#[test]
fn fresh_sentences_stay_understood() {
    let reader = reader().unwrap();
    let grounds = Grounds::read(&folder().join("inventory.yaml")).unwrap();
    for (language, exact, wrong) in FRESH {
        let corpus = Corpus::read(&folder().with_file_name("fresh").join(format!("{language}.jsonl"))).unwrap();
        let halves =
            [Half::Develop, Half::Scored].map(|half| score(&corpus, half, &grounds, &reader, &mut |_, _, _, _| {}).all);
        for all in halves {
            assert!(all.exact() >= *exact, "{language}: {} of a half is exact", all.exact());
            assert!(
                all.wrong() <= *wrong,
                "{language}: {} is wrong and confident",
                all.wrong()
            );
        }
    }
}

#[test]
fn sentences_by_others_stay_understood() {
    let reader = reader().unwrap();
    let grounds = Grounds::read(&folder().join("inventory.yaml")).unwrap();
    for (language, half, exact, wrong) in OTHERS {
        let corpus = Corpus::read(&folder().with_file_name("others").join(format!("{language}.jsonl"))).unwrap();
        let all = score(&corpus, *half, &grounds, &reader, &mut |_, _, _, _| {}).all;
        let name = format!("{language} {}", half.word());
        assert!(all.exact() >= *exact, "{name}: {} is exact", all.exact());
        assert!(all.wrong() <= *wrong, "{name}: {} is wrong and confident", all.wrong());
    }
}

#[test]
fn other_names_are_understood_as_well() {
    let reader = reader().unwrap();
    let inventory = folder().join("inventory.yaml");
    let grounds = Grounds::read(&inventory).unwrap();
    let others = Renamed::new(&grounds);
    let other_grounds = Grounds::read_with(&inventory, |text| others.text(text)).unwrap();
    for (language, ..) in FLOORS {
        let corpus = Corpus::read(&folder().join(format!("{language}.jsonl"))).unwrap();
        let renamed = others.corpus(&corpus);
        let develop = |corpus: &Corpus| {
            corpus
                .lines
                .iter()
                .filter(|it| it.half == Half::Develop)
                .cloned()
                .collect::<Vec<_>>()
        };
        let changed = develop(&corpus)
            .iter()
            .zip(develop(&renamed))
            .filter(|(one, other)| one.text != other.text)
            .count();
        assert!(changed > 150, "{language}: only {changed} sentences are others");
        let as_it_is = score(&corpus, Half::Develop, &grounds, &reader, &mut |_, _, _, _| {})
            .all
            .exact();
        let otherwise = score(&renamed, Half::Develop, &other_grounds, &reader, &mut |_, _, _, _| {})
            .all
            .exact();
        assert!(
            as_it_is - otherwise <= RENAMED,
            "{language}: {as_it_is} as it is, {otherwise} with other names"
        );
    }
}
