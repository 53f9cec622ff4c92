//! What holds for every path, written into the description of the interface once.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

/// What any request may be answered, beside what its path says.
const ANYWHERE: [(&str, &str); 10] = [
    ("400", "the request cannot be understood"),
    ("401", "the caller is not known"),
    ("403", "the caller's role does not allow it"),
    ("405", "the path does not take this method"),
    ("409", "it does not fit what is there, or nobody speaks for the device"),
    ("413", "the body is too long"),
    ("415", "the content type is not read"),
    ("422", "what was sent has faults"),
    ("500", "something went wrong inside"),
    ("503", "too many requests at once, or the controller is stopping"),
];

/// Adds to every operation what it may answer anyway, and who is let in.
pub fn complete(api: &mut OpenApi) {
    let scheme = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    if let Some(components) = &mut api.components {
        components.add_security_scheme("token", scheme);
    }
    for (path, item) in &mut api.paths.paths {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.delete,
            &mut item.patch,
        ];
        for operation in operations.into_iter().flatten() {
            answers(operation, path.contains('{'));
            if path != "/v1/health" {
                let token = SecurityRequirement::new::<_, [&str; 0], &str>("token", []);
                operation.security = Some(vec![token]);
            }
        }
    }
}

fn answers(operation: &mut Operation, names_something: bool) {
    let missing = names_something.then_some(("404", "what the path names is not there"));
    for (status, what) in ANYWHERE.into_iter().chain(missing) {
        let problem = ContentBuilder::new()
            .schema(Some(RefOr::Ref(Ref::from_schema_name("Problem"))))
            .build();
        let response = ResponseBuilder::new()
            .description(what)
            .content("application/problem+json", problem)
            .build();
        // A path that says more about a status of its own is not overruled but for the form, which is always the same.
        operation.responses.responses.insert(status.to_owned(), response.into());
    }
    let problem = |status: &String| status.starts_with('4') || status.starts_with('5');
    for (_, response) in operation
        .responses
        .responses
        .iter_mut()
        .filter(|(status, _)| problem(status))
    {
        if let RefOr::T(response) = response
            && let Some(content) = response.content.shift_remove("application/json")
        {
            response.content.insert("application/problem+json".to_owned(), content);
        }
    }
}
