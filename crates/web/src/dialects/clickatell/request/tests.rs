use super::*;
use serde_json::json;

fn settings() -> Settings {
    let text = r#"{"pin_length":4,"expire_minutes":5,"attempts":1,"number_lookup":true,"grid_text":"{LINK}"}"#;
    serde_json::from_str(text).unwrap()
}

fn read(body: Value) -> Result<Wanted, Refused> {
    Wanted::read(&Params { values: serde_json::from_value(body).unwrap(), is_xml: false }, &settings())
}

fn grid_of(body: Value) -> GridChoice {
    match read(body).unwrap().proof {
        Proof::Grid(grid) => grid,
        Proof::Pin(_) => panic!("no grid"),
    }
}

const TO: &str = "2799900001";

#[test]
fn the_vendors_sample_reads_the_same_with_and_without_quotes() {
    let logo = "http://www.yourwebsite.com/logo_image.jpg";
    let quoted = json!({"authType": "grid", "to": TO, "overrideExpireTime": "10", "maximumRetries": "2",
        "numberOfChallenges": "2", "numberOfImagesPerChallenge": "8", "companyImageUrl": logo});
    let bare = json!({"authType": "grid", "to": 2_799_900_001_u64, "overrideExpireTime": 10, "maximumRetries": 2,
        "numberOfChallenges": 2, "numberOfImagesPerChallenge": 8, "companyImageUrl": logo});
    for body in [quoted, bare] {
        let wanted = read(body.clone()).unwrap();
        assert_eq!((wanted.minutes, wanted.attempts, wanted.to.as_str()), (10, 2, "+2799900001"));
        let grid = grid_of(body);
        assert_eq!((grid.screens, grid.tiles, grid.logo.as_deref()), (2, 8, Some(logo)));
    }
}

#[test]
fn what_is_left_out_or_empty_is_as_the_vendor_says() {
    for body in [
        json!({"authType": "grid", "to": TO}),
        json!({"authType": "grid", "to": [TO], "overrideExpireTime": "", "maximumRetries": null,
            "numberOfChallenges": " ", "numberOfImagesPerChallenge": "", "companyImageUrl": "", "customPin": "!", "from": null}),
    ] {
        let wanted = read(body.clone()).unwrap();
        assert_eq!((wanted.minutes, wanted.attempts, wanted.from), (5, 1, None));
        let grid = grid_of(body);
        assert_eq!((grid.screens, grid.tiles, grid.logo, grid.enrolled), (3, 6, None, None));
    }
    let pin = read(json!({"authType": "pin", "to": TO, "numberOfChallenges": 9, "companyImageUrl": "x"})).unwrap();
    assert!(matches!(pin.proof, Proof::Pin(None)), "what belongs to a grid does not matter");
}

#[test]
fn grid_plus_has_one_screen_for_each_category() {
    let grid = grid_of(json!({"authType": "gridplus", "to": TO, "numberOfChallenges": ["dog", "tree"]}));
    assert_eq!((grid.screens, grid.enrolled.map(|enrolled| enrolled.len())), (2, Some(2)));
}

#[test]
fn refusals_come_in_the_order_of_the_list() {
    for (body, refused) in [
        (json!({"to": "x"}), error::INVALID_PARAMETERS),
        (json!({"authType": "voice", "to": TO}), error::INVALID_PARAMETERS),
        (json!({"authType": "grid"}), error::INVALID_PARAMETERS),
        (json!({"authType": "grid", "to": [TO, TO]}), error::INVALID_PARAMETERS),
        (json!({"authType": "grid", "to": []}), error::INVALID_PARAMETERS),
        (json!({"authType": "grid", "to": "2799900001,2799900002"}), error::INVALID_PARAMETERS),
        (json!({"authType": "grid", "to": true}), error::INVALID_PARAMETERS),
        (json!({"authType": "grid", "to": "333", "numberOfChallenges": 4}), error::INVALID_PARAMETERS),
        (json!({"authType": "grid", "to": "333", "from": "a".repeat(12)}), error::INVALID_DESTINATION),
        (json!({"authType": "grid", "to": TO, "from": "a".repeat(12)}), error::INVALID_SOURCE),
        (json!({"authType": "grid", "to": "34803123456", "from": "a".repeat(12)}), error::INVALID_SOURCE),
        (json!({"authType": "grid", "to": "34803123456"}), error::BLOCKED),
    ] {
        assert_eq!(read(body.clone()).err(), Some(refused), "{body}");
    }
}

#[test]
fn values_that_cannot_be_are_refused() {
    for (name, values) in [
        ("numberOfImagesPerChallenge", vec![json!(7), json!(10), json!(0), json!("x"), json!("-2"), json!(2.0)]),
        ("numberOfChallenges", vec![json!(4), json!(0), json!(["dog"])]),
        ("overrideExpireTime", vec![json!(0), json!(-1), json!(1.5), json!("ten"), json!(1441)]),
        ("maximumRetries", vec![json!(0), json!(11), json!(true), json!({})]),
        (
            "companyImageUrl",
            vec![
                json!("logo.jpg"),
                json!("ftp://x.example/a"),
                json!(1),
                json!(format!("http://a.example/{}", "b".repeat(2048))),
            ],
        ),
    ] {
        for value in values {
            let mut body = json!({"authType": "grid", "to": TO});
            body[name] = value.clone();
            assert_eq!(read(body).err(), Some(error::INVALID_PARAMETERS), "{name} {value}");
        }
    }
    for pin in [
        json!("abc"),
        json!("123456789"),
        json!("12-4"),
        json!("12-34"),
        json!("12 34"),
        json!("éééé"),
        json!(123),
        json!(true),
    ] {
        let body = json!({"authType": "pin", "to": TO, "customPin": pin});
        assert_eq!(read(body.clone()).err(), Some(error::INVALID_PARAMETERS), "{body}");
    }
    for categories in [
        json!(null),
        json!([]),
        json!(["unicorn"]),
        json!(["Dog"]),
        json!(["dog", "tree", "house", "cat"]),
        json!("dog"),
        json!(2),
    ] {
        let body = json!({"authType": "gridplus", "to": TO, "numberOfChallenges": categories});
        assert_eq!(read(body.clone()).err(), Some(error::INVALID_PARAMETERS), "{body}");
    }
}

#[test]
fn a_pin_of_ones_own_is_4_to_8_letters_and_digits() {
    for pin in [json!("AB12"), json!("ab12CD34"), json!(1234), json!("0000")] {
        let wanted = read(json!({"authType": "pin", "to": TO, "customPin": pin})).unwrap();
        assert!(matches!(wanted.proof, Proof::Pin(Some(_))));
    }
}

#[test]
fn an_id_reads_back_and_nothing_else_is_one() {
    let id = VerificationId::from_bytes([0xab; 16]);
    assert_eq!(api_request_id(id), "ab".repeat(16));
    assert_eq!(verification_id(&api_request_id(id)), Some(id));
    for bad in ["", "ab", &"AB".repeat(16), &"g".repeat(32), &"+".repeat(32), "p49d6c09e1ff529ec7dacb225707cad2"] {
        assert_eq!(verification_id(bad), None, "{bad}");
    }
}
