//! `sasl.*`: Kafka's `SaslConfigs` with its login modules, and librdkafka's names for the same.

use super::jaas::LoginModule;
use super::oauth;
use super::values::Values;
use super::{LONG_STORY, PropertiesError};
use crate::model::Secret;
use crate::security::sasl::{Mechanism, SaslSettings, ScramHash};

/// What the properties say about SASL.
pub(super) fn settings(values: &Values<'_>) -> Result<SaslSettings, PropertiesError> {
    let name = mechanism_name(values)?;
    let module = login_module(values)?;
    refuse(values)?;
    let mechanism = match name.as_str() {
        "PLAIN" => {
            let login = login(values, module.as_ref(), &name)?;
            Mechanism::Plain { username: login.username, password: login.password }
        }
        "SCRAM-SHA-256" => scram(login(values, module.as_ref(), &name)?, ScramHash::Sha256),
        "SCRAM-SHA-512" => scram(login(values, module.as_ref(), &name)?, ScramHash::Sha512),
        "OAUTHBEARER" => oauth::mechanism(values, module.as_ref())?,
        _ => return Err(PropertiesError::unsupported("sasl.mechanism", &name, instead_of(&name))),
    };
    Ok(SaslSettings::new(mechanism))
}

fn mechanism_name(values: &Values<'_>) -> Result<String, PropertiesError> {
    for name in ["sasl.mechanism", "sasl.mechanisms"] {
        if let Some(text) = values.text(name)? {
            return Ok(text.to_ascii_uppercase());
        }
    }
    let because = format!("security.protocol asks for SASL, and Kafka's default is GSSAPI (Kerberos): {MECHANISMS}");
    Err(PropertiesError::missing("sasl.mechanism", because))
}

fn instead_of(mechanism: &str) -> String {
    match mechanism {
        "GSSAPI" => format!("Kerberos needs libraries that a static binary cannot have; {MECHANISMS}, or mTLS"),
        "AWS_MSK_IAM" => format!("use SCRAM-SHA-512 or mTLS, or OAUTHBEARER with a signed token: {LONG_STORY}"),
        _ => MECHANISMS.to_owned(),
    }
}

fn refuse(values: &Values<'_>) -> Result<(), PropertiesError> {
    const OURS: &str = "leave it out: ktape loads no Java classes";
    values.refuse("sasl.login.class", OURS)?;
    if let Some(class) = values.text("sasl.client.callback.handler.class")? {
        let instead = if class.contains(".msk.") { instead_of("AWS_MSK_IAM") } else { OURS.to_owned() };
        return Err(PropertiesError::unsupported("sasl.client.callback.handler.class", &class, instead));
    }
    Ok(())
}

fn login_module(values: &Values<'_>) -> Result<Option<LoginModule>, PropertiesError> {
    let text = values.secret("sasl.jaas.config")?;
    let module = text.map(|text| LoginModule::parse(text.expose())).transpose()?;
    match &module {
        Some(module) if module.name() == "Krb5LoginModule" => Err(PropertiesError::jaas(format!(
            "Krb5LoginModule is Kerberos, which needs libraries that a static binary cannot have; {MECHANISMS}, or mTLS"
        ))),
        _ => Ok(module),
    }
}

/// User and password of PLAIN and SCRAM.
struct Login {
    username: String,
    password: Secret,
    delegation_token: bool,
}

fn login(values: &Values<'_>, module: Option<&LoginModule>, mechanism: &str) -> Result<Login, PropertiesError> {
    let Some(module) = module else {
        let asked = |name: &str| {
            let because =
                format!("sasl.mechanism={mechanism} needs it, or sasl.jaas.config with a username and a password");
            PropertiesError::missing(name, because)
        };
        if !values.has("sasl.username") && !values.has("sasl.password") {
            let because = format!(
                "sasl.mechanism={mechanism} needs it, with a username and a password; a file that KAFKA_OPTS names \
                 (java.security.auth.login.config) is not read"
            );
            return Err(PropertiesError::missing("sasl.jaas.config", because));
        }
        return Ok(Login {
            username: values.text("sasl.username")?.ok_or_else(|| asked("sasl.username"))?,
            password: values.secret("sasl.password")?.ok_or_else(|| asked("sasl.password"))?,
            delegation_token: false,
        });
    };
    if !["PlainLoginModule", "ScramLoginModule"].contains(&module.name()) {
        return Err(PropertiesError::jaas(format!(
            "its login module does not fit sasl.mechanism={mechanism}: PlainLoginModule or ScramLoginModule is expected"
        )));
    }
    let options = values.options(&module.options);
    let missing = |name: &str| PropertiesError::jaas(format!("the option {name} is missing or empty"));
    Ok(Login {
        // Not trimmed: quotes keep blanks.
        username: options.secret("username")?.ok_or_else(|| missing("username"))?.expose().to_owned(),
        password: options.secret("password")?.ok_or_else(|| missing("password"))?,
        delegation_token: options.flag("tokenauth")?.unwrap_or(false),
    })
}

fn scram(login: Login, hash: ScramHash) -> Mechanism {
    Mechanism::Scram {
        hash,
        username: login.username,
        password: login.password,
        delegation_token: login.delegation_token,
    }
}

const MECHANISMS: &str = "use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER";
