//! The contacts of clients: `docs/spec/people.md`.

use chrono::{DateTime, Utc};

use super::clients::{CLIENTS, ClientId};
use super::projects::no_such_client;
use super::{Endpoint, Resource};
use crate::record::{NewRecord, RecordChanges, filter, record};
use crate::store::{ClientStore, Entity, Filter, Invariant, On, Parent, Records, Rule, Selection, Stored, Transaction};

record! {
    /// Somebody at a client. Contacts are deleted with their client.
    Contact: table "contacts", id ContactId, element "contact", list "contacts", documented array true;
    elements {
        /// Never used again, not even after a delete.
        id: ContactId = readonly;
        /// The client; an update may move the contact.
        client_id: ClientId = required;
        /// Not blank.
        first_name: String = required searched;
        /// Not blank.
        last_name: String = required searched;
        /// An e-mail address.
        email: String = writable searched default_text("");
        /// A telephone number.
        phone_office: String = writable searched default_text("");
        /// A telephone number.
        phone_mobile: String = writable searched default_text("");
        /// A fax number.
        fax: String = writable searched default_text("");
        /// What they do there.
        title: String = writable searched default_text("");
        /// When the record was created.
        created_at: DateTime<Utc> = readonly;
        /// When the record was last written to.
        updated_at: DateTime<Utc> = readonly;
    }
    internal {
        version: i64 = readonly default(0);
    }
}

/// What a new contact is made from.
pub type NewContact = NewRecord<Contact>;
/// What an update of a contact sets.
pub type ContactChanges = RecordChanges<Contact>;

impl NewContact {
    /// Somebody at a client, with defaults for the rest.
    pub fn of(client_id: impl Into<ClientId>, first_name: impl Into<String>, last_name: impl Into<String>) -> Self {
        Self::new().client_id(client_id).first_name(first_name).last_name(last_name)
    }
}

filter! {
    /// What a list of contacts is narrowed by; the default is every contact.
    ContactFilter {
        /// Only those of the client.
        client: ClientId,
        /// Only those updated at the moment or later.
        updated_since: DateTime<Utc>,
    }
}

impl ClientStore {
    /// The contacts of all clients.
    ///
    /// ```
    /// use clientstore::{ClientStore, ContactFilter, NewClient, NewContact};
    ///
    /// let store = ClientStore::open_in_memory()?;
    /// let client = store.clients().create(&NewClient::named("SuprCorp"))?;
    /// store.contacts().create(&NewContact::of(client, "Jane", "Doe").email("jane@example.com"))?;
    /// assert_eq!(store.contacts().list(&ContactFilter::new().client(client))?.count(), 1);
    /// # Ok::<(), clientstore::Error>(())
    /// ```
    pub fn contacts(&self) -> Records<'_, Contact> {
        self.records()
    }
}

impl Transaction<'_> {
    /// The contacts of all clients.
    pub fn contacts(&self) -> Records<'_, Contact> {
        self.records()
    }
}

impl Stored for Contact {
    type Filter = ContactFilter;
    const ENTITY: &'static Entity = &CONTACTS;

    fn select(filter: &ContactFilter, selection: &mut Selection) {
        if let Some(id) = filter.client {
            Filter::CLIENT.integer(selection, id.into());
        }
        if let Some(moment) = filter.updated_since {
            Filter::UPDATED_SINCE.moment(selection, moment);
        }
    }
}

pub(crate) static CONTACTS: Entity = Entity::of::<Contact>()
    .parent(Parent { entity: &CLIENTS, column: "client_id" })
    .filters(&[Filter::UPDATED_SINCE])
    .rules(&[HAS_CLIENT])
    .invariants(&INVARIANTS);

pub(crate) static RESOURCE: Resource = Resource {
    entity: &CONTACTS,
    endpoints: &[
        Endpoint::list("/contacts"),
        Endpoint::list("/clients/{client_id}/contacts"),
        Endpoint::create("/contacts"),
        Endpoint::get("/contacts/{id}"),
        Endpoint::update("/contacts/{id}"),
        Endpoint::delete("/contacts/{id}"),
    ],
};

const HAS_CLIENT: Rule = Rule {
    on: On::Write,
    condition: "EXISTS (SELECT 1 FROM clients WHERE clients.id = :client_id)",
    refusal: |_, change| Ok(no_such_client(change)),
};

static INVARIANTS: [Invariant; 2] = [
    Invariant {
        column: "first_name",
        says: "is blank",
        broken_by: "SELECT id FROM contacts WHERE trim(first_name, char(9, 10, 13, 32)) = ''",
    },
    Invariant {
        column: "last_name",
        says: "is blank",
        broken_by: "SELECT id FROM contacts WHERE trim(last_name, char(9, 10, 13, 32)) = ''",
    },
];
