//! What the errors of the client and of brokers mean: whether they may pass, and what to do about them.

use host_component::Failure;
use rdkafka::error::RDKafkaErrorCode as Code;

/// The failure of a record that was not acknowledged. What may pass is retryable; what is wrong with the record, or with the
/// right to write it, is not. `says` is what the client said last about its brokers, where it said something of late.
pub(crate) fn failure(exporter: &str, topic: &str, code: Code, says: Option<&str>) -> Failure {
    let way_out = match code {
        Code::TopicAuthorizationFailed => {
            "; the broker does not let this user write to the topic: grant it WRITE, or name another user in `auth.sasl`"
        }
        Code::ClusterAuthorizationFailed => {
            "; the broker does not let this user write so: grant it IDEMPOTENT_WRITE on the cluster, or set \
             `producer.enable_idempotence: false`"
        }
        Code::InvalidTopic => "; this is no name for a topic: letters, digits, `.`, `_` and `-`, 249 at most",
        Code::InvalidRecord | Code::PolicyViolation => "; the topic's own rules do not let such records in",
        Code::InvalidRequiredAcks | Code::UnsupportedForMessageFormat | Code::UnsupportedCompressionType => {
            "; the broker is too old for `producer` as it is set"
        }
        Code::UnknownTopic | Code::UnknownTopicOrPartition => {
            "; there is no such topic: make it, or let brokers make it (`auto.create.topics.enable` there, and \
             `producer.allow_auto_topic_creation` here)"
        }
        Code::InvalidTimestamp => {
            "; the clocks here and there differ by more than the topic's `message.timestamp.before.max.ms` and \
             `message.timestamp.after.max.ms` allow"
        }
        Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend => {
            "; fewer replicas are in step than the topic's `min.insync.replicas` asks for"
        }
        _ => "",
    };
    let says = says.map(|says| format!("; the client says: {says}")).unwrap_or_default();
    let reason = format!("{exporter}: topic {topic}: {code}{way_out}{says}");
    match code {
        Code::TopicAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::InvalidTopic
        | Code::InvalidRecord
        | Code::PolicyViolation
        | Code::InvalidRequiredAcks
        | Code::UnsupportedForMessageFormat
        | Code::UnsupportedCompressionType
        | Code::InvalidMessageSize => Failure::permanent(reason),
        _ => Failure::retryable(reason),
    }
}

/// What the client says of its brokers, with what to do about it where that is known.
pub(crate) fn explained(code: Option<Code>, text: &str) -> String {
    let hint = match code {
        Some(Code::Authentication | Code::SaslAuthenticationFailed) => {
            "; check `username`, `password` and `mechanism` of `auth.sasl`: the broker knows nobody by them"
        }
        Some(Code::UnsupportedSASLMechanism) => "; the broker does not have this `auth.sasl.mechanism`",
        Some(Code::SSL) if text.contains("verify failed") || text.contains("certificate verify") => {
            "; the broker's certificate is of no authority that is trusted, or has another name: name its authority in \
             `tls.ca_file`"
        }
        Some(Code::SSL) if text.contains("alert") => {
            "; the broker wants a certificate that it knows: name one in `tls.cert_file` and `tls.key_file`"
        }
        Some(Code::SSL) => "; check that the broker speaks TLS on this port",
        Some(Code::BrokerTransportFailure) if text.contains("Disconnected while requesting ApiVersion") => {
            "; the broker may want TLS or SASL on this port: see `tls` and `auth`"
        }
        Some(Code::Resolve) => "; the name of the broker is not known here",
        Some(Code::GroupAuthorizationFailed) => "; the broker does not let this user read as `group_id`: grant it READ",
        Some(Code::TopicAuthorizationFailed) => "; the broker does not let this user read the topic: grant it READ",
        _ => "",
    };
    format!("{text}{hint}")
}
