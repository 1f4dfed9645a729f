//! The one place that maps failures to exit codes and hints. A hint is one thing to do, as a sentence without a final
//! stop; an empty one is not printed.

use std::borrow::Cow;

use super::exit_code::ExitCode;
use super::signing::KeyError;
use crate::backup::BackupError;
use crate::check::CheckError;
use crate::cluster::{ClusterError, Trouble};
use crate::compare::CompareError;
use crate::copy::CopyError;
use crate::drill::DrillError;
use crate::export::ExportError;
use crate::offsets::OffsetsError;
use crate::properties::PropertiesError;
use crate::repository::{KeyFault, RepositoryError};
use crate::restore::RestoreError;
use crate::store::StoreErrorKind;

/// How the process ends, and what the person can do.
pub type Advice = (ExitCode, Cow<'static, str>);

const AGAIN: &str = "run the same command again: it goes on where this run stopped; `-vv` logs every request";

fn say(code: ExitCode, hint: &'static str) -> Advice {
    (code, Cow::Borrowed(hint))
}

/// Flags that make no sense together.
pub fn usage() -> Advice {
    say(ExitCode::Usage, "`ktape VERB --help` shows what a verb takes, with examples")
}

/// The person knows why.
pub fn interrupted() -> Advice {
    say(ExitCode::Interrupted, "")
}

/// Standard output or a file of ours.
pub fn write() -> Advice {
    say(ExitCode::Failed, "make room or choose another place, and run the same command again")
}

/// Ours to mend.
pub fn bug() -> Advice {
    say(ExitCode::Failed, "run the same command again, and please report this with the output of `-vv`")
}

/// The properties of a Kafka client.
pub fn properties(error: &PropertiesError) -> Advice {
    let hint = match error {
        PropertiesError::Read { .. } => "check the path, and give this user the right to read the file",
        PropertiesError::Reference { .. } => "set the variable or write the file, for the user that runs ktape",
        _ => "change that line; OPERATIONS.md has a file for every common set-up (\"Secured clusters\")",
    };
    say(ExitCode::Usage, hint)
}

/// A key for signatures.
pub fn key(error: &KeyError) -> Advice {
    let hint = match error {
        KeyError::Read(_) => "check the path, and give this user the right to read the file",
        KeyError::Fault(KeyFault::NoSecretKey) => "name the file that `minisign -G` calls minisign.key",
        KeyError::Fault(KeyFault::PasswordNeeded) => "set KTAPE_SIGN_PASSWORD, or say --sign-password-file FILE",
        KeyError::Fault(KeyFault::Password(_)) => "check KTAPE_SIGN_PASSWORD or the file of --sign-password-file",
        KeyError::Fault(KeyFault::NoPublicKey) => {
            "name the file that `minisign -G` calls minisign.pub, or its last line"
        }
    };
    say(ExitCode::Usage, hint)
}

/// Before any verb began.
pub fn start() -> Advice {
    say(ExitCode::Failed, "look at the limits of this process (`ulimit -a`)")
}

/// The repository, or its disk.
pub fn repository(error: &RepositoryError) -> Advice {
    use ExitCode::{Damaged, Failed, Locked, Refused, Usage};
    match error {
        RepositoryError::Store(error) => say(Failed, store(error.kind)),
        RepositoryError::NotARepository { location } if location.contains("://") => {
            say(Refused, "check bucket and prefix; to make a new one: `ktape init` with the same --repository")
        }
        RepositoryError::NotARepository { location } => {
            let hint = format!("is the disk mounted? To make a new one: ktape init --repository {location}");
            (Refused, Cow::Owned(hint))
        }
        RepositoryError::NoSuchSnapshot { location, .. } => {
            (Refused, Cow::Owned(format!("see which there are: ktape list --repository {location}")))
        }
        RepositoryError::AlreadyARepository { .. } => say(Refused, "nothing to do: `ktape backup` can use it as it is"),
        RepositoryError::NotEmpty { .. } => {
            say(Refused, "choose a folder or a prefix that is empty or does not exist yet")
        }
        RepositoryError::NewerFormat { .. } => say(Refused, "use the ktape that wrote it, or a newer one"),
        RepositoryError::UnsupportedLocation { .. } => {
            say(Usage, "name a folder or a bucket, as in --repository /backup/kafka or --repository s3://bucket/kafka")
        }
        RepositoryError::Unconditional { .. } => say(
            Refused,
            "upgrade the server; or add ?conditional-put=false to the location, and never run two backups at once",
        ),
        RepositoryError::InvalidKey(_) => say(Usage, "use names that Kafka allows"),
        RepositoryError::Damaged { .. } | RepositoryError::Missing { .. } => say(
            Damaged,
            "`ktape verify` lists all that is damaged; take the file from a copy of the repository, or use another snapshot",
        ),
        RepositoryError::Locked { .. } => say(Locked, "wait until it has ended; its lock ends with it"),
        RepositoryError::RefusedBatch { .. } | RepositoryError::OutOfOrder { .. } => say(
            Failed,
            "look at this partition's log on the broker with Kafka's DumpLogSegments: a disk or the network spoils data",
        ),
        RepositoryError::NoKey { .. } => say(
            Refused,
            "give the private key, --identity-file FILE, or the passphrase of `init`, --passphrase-file FILE",
        ),
        RepositoryError::WrongKey { .. } | RepositoryError::KeyDoesNotFit { .. } => {
            say(Refused, "give the private key of one of those public keys: --identity-file FILE; it may be repeated")
        }
        RepositoryError::WrongPassphrase { .. } => {
            say(Refused, "give the passphrase that `init` was given: --passphrase-file FILE")
        }
        RepositoryError::NoPassphrase { .. } => say(Refused, "give the private key: --identity-file FILE"),
        RepositoryError::NotEncrypted { .. } => {
            say(Refused, "make another repository with `ktape init --recipient`, and back up into it")
        }
        RepositoryError::InvalidRecipient { .. } | RepositoryError::NoRecipient => {
            say(Usage, "name a public key as age-keygen prints it: --recipient age1...")
        }
        RepositoryError::InvalidIdentity { .. } => say(Usage, "name a file that age-keygen made: --identity-file FILE"),
        RepositoryError::NotSigned { sequence, .. } => {
            let hint =
                format!("sign it by hand: minisign -Sm snapshots/{sequence:010}.json, or run the same command again");
            (Failed, Cow::Owned(hint))
        }
        RepositoryError::NotSignable { .. } => {
            say(Refused, "leave --sign-key out, or back up into a repository of `ktape init --digest blake3`")
        }
        RepositoryError::TellingDigest => say(Usage, "leave --digest out: BLAKE3 costs little beside the cipher"),
        RepositoryError::NotSealable { .. } | RepositoryError::Encode { .. } => say(Failed, AGAIN),
    }
}

fn store(kind: StoreErrorKind) -> &'static str {
    match kind {
        StoreErrorKind::NoSpace => {
            "make room on the disk and run the same command again: it goes on where this run stopped"
        }
        StoreErrorKind::ReadOnly => "mount the repository's file system writable",
        StoreErrorKind::PermissionDenied => {
            "give this user the right to read and write the repository's folder or bucket"
        }
        StoreErrorKind::NoBucket => "make the bucket, or check its name, the endpoint and the account",
        StoreErrorKind::Credentials => {
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile, or AZURE_STORAGE_KEY; OPERATIONS.md lists where they are looked for"
        }
        StoreErrorKind::Region => "add ?region=NAME to the location, or set AWS_REGION",
        StoreErrorKind::Clock => "set this host's clock (NTP)",
        StoreErrorKind::Unreachable => {
            "check ?endpoint= and the network; then run the same command again: it goes on where this run stopped"
        }
        StoreErrorKind::Certificate => "name the authority's certificate: ?ca=FILE in the location, or AWS_CA_BUNDLE",
        StoreErrorKind::NotFound | StoreErrorKind::AlreadyExists | StoreErrorKind::Other => {
            "look at the disk (`dmesg`), then run the same command again"
        }
    }
}

/// The cluster, or the way to it.
pub fn cluster(error: &ClusterError) -> Advice {
    if let Some(trouble) = error.trouble() {
        return say(ExitCode::Failed, setting(trouble));
    }
    let hint = match error {
        ClusterError::Bootstrap { .. } => {
            "check --bootstrap-server, and that it is a Kafka listener which can be reached from here"
        }
        ClusterError::Advertised { .. } => "say where it can be reached: --broker-address ID=HOST:PORT",
        ClusterError::Override { .. } => "check --broker-address, or leave it out if the advertised address is right",
        ClusterError::Unsupported { .. } => "this broker cannot do what was asked; leave it out, or upgrade the broker",
        ClusterError::Broker { code, .. } if code.is_authorization() => RIGHTS,
        ClusterError::UnknownNode(_) | ClusterError::NoLeader(_) => {
            "look at the brokers: one is down or just starting; then run the same command again"
        }
        _ => AGAIN,
    };
    say(ExitCode::Failed, hint)
}

/// A property of the file that `--command-config` names.
fn setting(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Protocol => "set security.protocol in the file of --command-config to what this listener speaks",
        Trouble::Login => "set security.protocol, sasl.mechanism and sasl.jaas.config in the file of --command-config",
        Trouble::Mechanism => "set sasl.mechanism to one that the listener offers",
        Trouble::Password => "check the user and the password in sasl.jaas.config (or sasl.username and sasl.password)",
        Trouble::Token => {
            "check the token that sasl.oauthbearer.token.endpoint.url, sasl.jaas.config or ktape.oauthbearer.token.command gives: \
             its audience, issuer and end"
        }
        Trouble::Trust => {
            "name a file with the CA in ssl.truststore.location; `openssl s_client -showcerts -connect HOST:PORT` shows what the \
             broker sends"
        }
        Trouble::Validity => {
            "renew the broker's certificate, or put the clock right: no setting of a client lifts this"
        }
        Trouble::HostName => {
            "use a name of the certificate in --bootstrap-server and advertised.listeners, or an empty \
             ssl.endpoint.identification.algorithm"
        }
        Trouble::Identity => {
            "name in ssl.keystore.location a certificate, with its key, that is valid and that the brokers trust"
        }
        Trouble::Store => "check the file that the property names, its password, and that this user can read it",
        Trouble::Versions => "set ssl.enabled.protocols to TLSv1.2,TLSv1.3, and look at the broker's ssl.cipher.suites",
    }
}

/// The backup itself.
pub fn backup(error: &BackupError) -> Advice {
    match error {
        BackupError::Cluster(error) => cluster(error),
        BackupError::Repository(error) if error.is_damage() => say(
            ExitCode::Damaged,
            "`ktape verify` lists all that is damaged; take the file from a copy, or move the newest of snapshots/ away: the next \
             backup goes on from the snapshot before, and fetches nothing that is still there",
        ),
        BackupError::Repository(error) => repository(error),
        BackupError::Pattern(_) => say(ExitCode::Usage, PATTERN),
        BackupError::Hidden { .. } => say(ExitCode::Failed, RIGHTS),
        BackupError::NothingMatches { .. } => say(
            ExitCode::Usage,
            "check the spelling; a pattern matches whole names, `--dry-run` without it lists all that this client may see",
        ),
        BackupError::OtherCluster { location, bootstrap, .. } => {
            let hint = format!(
                "make another repository for another cluster (`ktape init`); if it is the same one, restored: ktape backup \
                 --adopt-cluster --repository {location} --bootstrap-server {bootstrap}"
            );
            (ExitCode::Refused, Cow::Owned(hint))
        }
        _ => bug(),
    }
}

/// The check itself.
pub fn check(error: &CheckError) -> Advice {
    match error {
        CheckError::Cluster(error) => cluster(error),
        CheckError::Repository(error) => repository(error),
        CheckError::Pattern(_) => say(ExitCode::Usage, PATTERN),
    }
}

/// The restore itself.
pub fn restore(error: &RestoreError) -> Advice {
    use ExitCode::{Damaged, Failed, Interrupted, Refused, Usage};
    match error {
        RestoreError::Cluster(error) => cluster(error),
        RestoreError::Repository(RepositoryError::Store(error)) if error.kind == StoreErrorKind::ReadOnly => {
            say(Failed, "say where else the restore may be written down: --state DIR")
        }
        RestoreError::Repository(error) => repository(error),
        RestoreError::Pattern(_) => say(Usage, PATTERN),
        RestoreError::Name(_) | RestoreError::SameTarget { .. } => {
            say(Usage, "change --rename so that every topic gets a legal name of its own")
        }
        RestoreError::NothingMatches { .. } => say(Usage, "`ktape show` lists what the snapshot holds"),
        RestoreError::NothingHeld { .. } => say(Usage, "`ktape show` lists the topics whose retention is held"),
        RestoreError::NoSnapshot(_) => say(Refused, "`ktape list` shows which snapshots there are"),
        RestoreError::NotEmpty { .. } => {
            say(Refused, "delete the topic if it may go, or restore under another name with --rename")
        }
        RestoreError::Unfinished { command, .. } => {
            let hint = format!(
                "let it go on: `ktape restore {command}` with the same repository and cluster; or delete its topics to begin again"
            );
            (Refused, Cow::Owned(hint))
        }
        RestoreError::PartlyGone { .. } => say(
            Refused,
            "delete the topics that are still there to restore all of them again, or restore the others alone with --topics",
        ),
        RestoreError::OtherPlan { .. } => {
            say(Refused, "go on with the ktape that began it, or delete its topics and begin again")
        }
        RestoreError::PartitionCount { .. } => {
            say(Refused, "delete the empty topic so that the restore can create it, or use --rename")
        }
        RestoreError::TooFewBrokers { .. } => say(Refused, "add brokers, or say --replication-factor N"),
        RestoreError::BatchTooLarge { .. } => {
            say(Refused, "raise socket.request.max.bytes on the brokers, or leave the topic out with --exclude-topics")
        }
        RestoreError::Rights(_) => say(Refused, RIGHTS),
        RestoreError::CannotCreate { .. } => say(Refused, "change what it names, with --topic-config for instance"),
        RestoreError::ActiveGroups(_) => say(
            Refused,
            "stop their consumers and wait for the session timeout, or leave them out with --exclude-groups",
        ),
        RestoreError::OutOfRange { .. } => say(Refused, "choose --out-of-range clamp or omit"),
        RestoreError::CutLeavesBehind { .. } => say(
            Refused,
            "look at that record with `ktape export`; choose another time or --until-observed, or cut there all the same with --force",
        ),
        RestoreError::Batch { .. } => {
            say(Damaged, "`ktape verify` shows all that is damaged; use another snapshot or a copy")
        }
        RestoreError::ForeignWriter { .. } | RestoreError::ForeignBatch { .. } => {
            say(Failed, "stop whoever writes there, delete the restored topics, and run the same command again")
        }
        RestoreError::ForgottenProducer { .. } => {
            say(Failed, "delete the restored topics, and run the same command again")
        }
        RestoreError::OutOfPlace { .. } => say(Failed, "run the same command again: it begins the topic anew"),
        RestoreError::CannotPreserve { .. } => say(
            Failed,
            "allow ALTER on the cluster and DELETE on the topic and run the same command again, or delete the restored topics and restore without --preserve-offsets",
        ),
        RestoreError::Partition { .. } | RestoreError::Commit { .. } => say(Failed, AGAIN),
        RestoreError::NoSettings { .. } => {
            say(Refused, "take a newer snapshot (`ktape list`), or leave --acls, --quotas and --cluster-configs out")
        }
        RestoreError::CannotSet { .. } => {
            say(Refused, "change what it names, or leave out the flag that asks for them: nothing was changed")
        }
        RestoreError::SettingsNotPart { flags } => {
            let hint = format!("bring the settings alone: the same command with --settings-only {flags}");
            (Refused, Cow::Owned(hint))
        }
        RestoreError::Interrupted => say(Interrupted, RESTORE_AGAIN),
        _ => bug(),
    }
}

/// The comparison with a cluster itself. What differs is no failure but its result.
pub fn compare(error: &CompareError) -> Advice {
    match error {
        CompareError::Cluster(error) => cluster(error),
        CompareError::Repository(error) => repository(error),
        CompareError::Pattern(_) => say(ExitCode::Usage, PATTERN),
        CompareError::NothingMatches { .. } => say(ExitCode::Usage, "`ktape show` lists what the snapshot holds"),
        CompareError::NoSnapshot(_) => say(ExitCode::Refused, "`ktape list` shows which snapshots there are"),
        CompareError::Stranger { .. } => say(
            ExitCode::Refused,
            "check --bootstrap-server and --snapshot; say --state DIR if the restore was run with it",
        ),
        _ => bug(),
    }
}

/// The copy itself.
pub fn copy(error: &CopyError) -> Advice {
    match error {
        CopyError::Source { source, .. } | CopyError::Target { source, .. } => repository(source),
        CopyError::SameRepository { .. } => {
            say(ExitCode::Refused, "make another repository for the copy: `ktape init`, in a place of its own")
        }
        CopyError::OtherDigests { theirs, .. } => {
            let hint = format!("make the target with `ktape init --digest {}`", theirs.name());
            (ExitCode::Refused, Cow::Owned(hint))
        }
        CopyError::OtherCluster { .. } => {
            say(ExitCode::Refused, "copy into a repository of its own: `ktape init` makes one")
        }
        CopyError::NoSnapshot { .. } => no_snapshot(),
        CopyError::Removed { .. } => say(ExitCode::Failed, RESTORE_AGAIN),
        CopyError::Thread => bug(),
    }
}

/// The drill itself. What differs is no failure but its result.
pub fn drill(error: &DrillError) -> Advice {
    match error {
        DrillError::Pattern(_) => say(ExitCode::Usage, PATTERN),
        DrillError::NoSnapshot(_) => say(ExitCode::Refused, "`ktape list` shows which snapshots there are"),
        DrillError::Name { .. } => {
            say(ExitCode::Refused, "say a shorter --prefix, or leave the topic out with --exclude-topics")
        }
        DrillError::PrefixInUse { .. } => say(ExitCode::Refused, "say another --prefix"),
        DrillError::Cluster(error) => cluster(error),
        DrillError::Repository(error) => repository(error),
        DrillError::Restore(error) => restore(error),
        DrillError::Compare(error) => compare(error),
    }
}

/// The export itself.
pub fn export(error: &ExportError) -> Advice {
    match error {
        ExportError::Repository(error) => repository(error),
        ExportError::NoSuchTopic { .. } | ExportError::NoSuchPartition { .. } => {
            say(ExitCode::Refused, "`ktape show` lists what the snapshot holds")
        }
        ExportError::Write(_) => write(),
    }
}

/// Work on offsets.
pub fn offsets(error: &OffsetsError) -> Advice {
    use ExitCode::{Refused, Usage};
    match error {
        OffsetsError::Cluster(error) => cluster(error),
        OffsetsError::Repository(error) => repository(error),
        OffsetsError::Pattern(_) => say(Usage, PATTERN),
        OffsetsError::Name(_) => say(Usage, "change --rename so that every topic gets a legal name"),
        OffsetsError::NoSnapshot => no_snapshot(),
        OffsetsError::NothingMatches { .. } => say(Usage, "`ktape show` lists what the snapshot holds"),
        OffsetsError::UnknownRestore { .. } => say(
            Refused,
            "the report of a restore ends its state's path with its id; --state DIR if it was written elsewhere",
        ),
        OffsetsError::OtherSnapshot { .. } => say(Usage, "leave out --snapshot or --restore"),
        OffsetsError::NoRestore { .. } => say(
            Refused,
            "name its folder with --state DIR; for a cluster that has the data already: ktape restore --offsets-only",
        ),
        OffsetsError::Unfit { .. } => {
            say(Refused, "run the restore again to end it, or name another with --restore ID")
        }
        OffsetsError::NoTopic { .. } => say(Refused, "leave it out with --exclude-topics, or restore it first"),
        OffsetsError::OtherTopic { .. } => {
            say(Refused, "choose the snapshot that it was restored from, or leave it out")
        }
        OffsetsError::ActiveGroups(_) => say(
            Refused,
            "stop their consumers and wait for the session timeout, or leave them out with --exclude-groups",
        ),
        OffsetsError::OutOfRange { .. } => say(Refused, "choose --out-of-range clamp or omit"),
        OffsetsError::NothingToUndo { .. } => {
            say(Refused, "nothing to do, unless it was written down in another --state DIR")
        }
        OffsetsError::Thread { .. } => bug(),
    }
}

/// `--expect` does not fit.
pub fn unexpected() -> Advice {
    say(
        ExitCode::Damaged,
        "`ktape list --json` shows all ids; if none is the expected one, the snapshot was changed or removed",
    )
}

/// `--snapshot` fits nothing.
pub fn no_snapshot() -> Advice {
    say(ExitCode::Refused, "`ktape list` shows which there are; `ktape backup` makes the first")
}

const RESTORE_AGAIN: &str = "run the same command again: it goes on where this run stopped";

const RIGHTS: &str = "grant this client the rights that OPERATIONS.md lists";

const PATTERN: &str = "patterns are globs: * and ? and [a-z] and {a,b}, in quotes";
