//! Events about policies, for `kubectl describe` and `kubectl events`.
//! Must not choose what is worth an Event.

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use rekindle_api::names;
use rekindle_core::policy::Policy;
use rekindle_core::time::Timestamp;

use super::errors::Asked;
use super::requests::{Requests, of_kind};
use crate::convert::micro_time_of;
use crate::ports::{Announcement, ClusterError};

/// The API server takes notes of at most 1024 bytes.
const MAX_NOTE: usize = 1024;
/// The server adds five characters to what is given; a name has at most 253.
const MAX_PREFIX: usize = 240;

/// Writes one Event.
pub(super) async fn announce(
    requests: &Requests,
    policy: &Policy,
    announcement: &Announcement,
    now: Timestamp,
) -> Result<(), ClusterError> {
    let what = format!("an Event about the ReloadPolicy {}", policy.id);
    let asked = Asked { verb: "create", resource: "events.events.k8s.io", what };
    let event = event(policy, announcement, now);
    requests.create(&asked, &of_kind::<Event>(&policy.id.namespace), &event).await.map(drop)
}

fn event(policy: &Policy, announcement: &Announcement, now: Timestamp) -> Event {
    let name: String = policy.id.name.as_str().chars().take(MAX_PREFIX).collect();
    let reason = announcement.reason.to_string();
    Event {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", name.trim_end_matches(['.', '-']))),
            namespace: Some(policy.id.namespace.to_string()),
            ..Default::default()
        },
        event_time: Some(micro_time_of(now)),
        reporting_controller: Some(format!("{}/operator", names::GROUP)),
        reporting_instance: Some(names::FIELD_MANAGER.to_owned()),
        action: Some(reason.clone()),
        reason: Some(reason),
        type_: Some(if announcement.warning { "Warning" } else { "Normal" }.to_owned()),
        note: Some(cut(&announcement.message)),
        regarding: Some(ObjectReference {
            api_version: Some(format!("{}/{}", names::GROUP, names::VERSION)),
            kind: Some("ReloadPolicy".to_owned()),
            name: Some(policy.id.name.to_string()),
            namespace: Some(policy.id.namespace.to_string()),
            uid: Some(policy.uid.to_string()),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn cut(message: &str) -> String {
    if message.len() <= MAX_NOTE {
        return message.to_owned();
    }
    let mark = '…';
    let end = message.floor_char_boundary(MAX_NOTE.saturating_sub(mark.len_utf8()));
    message
        .chars()
        .scan(0, |length, c| {
            *length += c.len_utf8();
            (*length <= end).then_some(c)
        })
        .chain([mark])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        assert_eq!(cut("short"), "short");
        let long = cut(&"ä".repeat(600));
        assert!(long.len() <= MAX_NOTE && long.ends_with("ä…"), "{} bytes", long.len());
    }
}
