"""More tables of the same form as `known_schemas.py`: shops, desks, boards, schools, insurers."""

from tests.workflow.known_schemas import Known, fields_of

SHOPS_AND_DESKS = """
ps_customer.id_customer | integer! | user.unique_id > customer_id | 1;2
ps_customer.id_gender | integer | - | 1;2
ps_customer.firstname | text | user.name.first | John;Marie;Paul
ps_customer.lastname | text | user.name.last | Doe;Dupont
ps_customer.company | text | user.contact.organization | -
ps_customer.siret | text | - | -
ps_customer.ape | text | - | -
ps_customer.email | text | user.contact.email > email | pub@example.com;marie@example.com;paul@example.com
ps_customer.passwd | text | user.authorization.password | -
ps_customer.last_passwd_gen | timestamp | - | -
ps_customer.birthday | date | user.date_of_birth | 1970-01-15
ps_customer.newsletter | boolean | user.privacy_preferences | true
ps_customer.ip_registration_newsletter | text | user.device.ip_address | -
ps_customer.optin | boolean | user.privacy_preferences | true
ps_customer.website | text | user.contact.url | -
ps_customer.outstanding_allow_amount | number | - | 0
ps_customer.note | text | user.content | -
ps_customer.reset_password_token | text | user.authorization.credentials | -
ps_address.id_customer | integer | user.unique_id > customer_id | 1
ps_address.alias | text | - | Mon adresse
ps_address.address1 | text | user.contact.address | 16, Main street
ps_address.other | text | - | -
ps_address.phone_mobile | text | user.contact.phone_number | 0102030405
ps_address.dni | text | user.government_id.national_identification_number | -
ps_orders.reference | text | - | XKBKNABJK
ps_orders.id_cart | integer | - | 1
ps_orders.secure_key | text | - | -
ps_orders.gift_message | text | user.content.private | -
ps_orders.id_address_delivery | integer | - | 1
ps_product_lang.name | text | - | Hummingbird printed t-shirt;Mug The best is yet to come
ps_product_lang.description | text | - | -
ps_guest.id_customer | integer | user.unique_id > customer_id | 1
ps_message.message | text | user.content.private | -
contacts.salutation | text | user.name | Mr.;Ms.
contacts.title | text | user.job_title | VP Sales;Buyer
contacts.photo | text | user.content.self_image | -
contacts.department | text | - | -
contacts.do_not_call | boolean | user.privacy_preferences | false
contacts.phone_home | text | user.contact.phone_number > phone | (206) 555-9857
contacts.phone_work | text | user.contact.phone_number > phone | (206) 555-9857
contacts.phone_fax | text | user.contact.fax_number | (206) 555-9857
contacts.primary_address_street | text | user.contact.address.street | 5 Mill Road
contacts.primary_address_postalcode | text | user.contact.address.postal_code | 98101
contacts.alt_address_country | text | user.contact.address.country | USA
contacts.assistant | text | - | -
contacts.lead_source | text | - | Cold Call;Web Site
contacts.birthdate | date | user.date_of_birth | 1970-01-15
contacts.assigned_user_id | text | user.unique_id actor | 1
contacts.created_by | text | user.unique_id actor | 1
contacts.date_entered | timestamp | - | -
accounts.name | text | - | Acme Holdings Ltd;Blue Sky Inc;Riviera Hotels
accounts.annual_revenue | text | - | 100000
accounts.ticker_symbol | text | - | ACM
accounts.billing_address_city | text | user.contact.address.city | Denver
accounts.assigned_user_id | text | user.unique_id actor | 1
opportunities.amount | number | - | 5000
opportunities.sales_stage | text | - | Prospecting
phpbb_users.user_id | integer! | user.unique_id > user_id | 1
phpbb_users.username | text | user.account.username > username | kate;tim
phpbb_users.username_clean | text | user.account.username > username | kate;tim
phpbb_users.user_ip | text | user.device.ip_address | 203.0.113.9;198.51.100.77;192.168.4.55
phpbb_users.user_birthday | text | user.date_of_birth | 12- 3-1980
phpbb_users.user_sig | text | - | -
phpbb_users.user_avatar | text | user.content.self_image | -
phpbb_users.user_lang | text | user.demographic.language | en
phpbb_users.user_posts | integer | - | 5
phpbb_users.user_jabber | text | - | -
phpbb_posts.poster_id | integer | user.unique_id | 2
phpbb_posts.poster_ip | text | user.device.ip_address | 203.0.113.9;198.51.100.77;192.168.4.55
phpbb_posts.post_text | text | user.content | I think that this is a really good idea, and I would like to see more of it here.
phpbb_posts.post_subject | text | user.content | -
phpbb_privmsgs.message_text | text | user.content | -
phpbb_privmsgs.author_id | integer | user.unique_id > author_id | 2
phpbb_forums.forum_name | text | - | General;Support
phpbb_topics.topic_title | text | - | Welcome to phpBB3
users.encrypted_password | text | user.authorization.password | -
users.reset_password_sent_at | timestamp | - | -
users.sign_in_count | integer | - | 3
users.current_sign_in_ip | text | user.device.ip_address | 203.0.113.9;198.51.100.77;192.168.4.55
users.unconfirmed_email | text | user.contact.email | kate@example.org;tim@example.org;bob@example.org
users.failed_attempts | integer | - | 0
users.otp_secret_key | text | user.authorization.credentials | -
users.locale | text | user.demographic.language | en
users.time_zone | text | user.location | UTC
users.avatar_url | text | user.content.self_image | -
users.role | text | user.job_title | admin;member
users.stripe_customer_id | text+ | user.unique_id | cus_123
users.github_username | text | user.contact.url | kate
tickets.customer_user_id | text | user.unique_id | kate
tickets.title | text | user.content | Printer does not work
tickets.responsible_user_id | integer | user.unique_id actor | 1
tickets.user_id | integer | user.unique_id > user_id | 1
matomo_log_visit.location_ip | binary | user.device.ip_address | -
matomo_log_visit.idvisitor | binary | user.unique_id > visitor_id | -
matomo_log_visit.config_browser_name | text | - | FF;CH
matomo_log_visit.location_city | text | user.contact.address.city | Berlin
matomo_log_visit.location_latitude | number | user.location.precise | 52.52
sessions.user_agent | text | user.device | Mozilla/5.0 (X11) AppleWebKit;Mozilla/5.0 (Windows NT 10.0);Opera/9.80
sessions.device_fingerprint | text | user.device.device_id | -
searches.query | text | - | -
"""

OTHER_HOUSES = """
versicherte.versichertennummer | text! | user.health_and_medical.insurance_beneficiary_id | A123456789
versicherte.vor_und_nachname | text | user.name | Hans Müller;Petra Meier;Jürgen Krause
versicherte.geschlecht | text | user.demographic.gender | m;w
versicherte.postleitzahl | text | user.contact.address.postal_code | 10115
versicherte.wohnort | text | user.contact.address.city | Berlin
versicherte.bankverbindung | text | user.financial.bank_account | -
versicherte.familienstand | text | user.demographic.marital_status | ledig
versicherte.staatsangehoerigkeit | text | user.demographic | deutsch
vertraege.versicherungsnehmer_id | integer | user.unique_id > policyholder_id | 1
vertraege.beginn | date | - | 2020-01-01
vertraege.praemie | number | - | 100
schaeden.beschreibung | text | user.content | -
eleves.nom_famille | text | user.name.last | Dupont
eleves.prenom_usuel | text | user.name.first | Jean;Marie;Paul
eleves.lieu_naissance | text | user.demographic | Lyon
eleves.nom_mere | text | user.social | Anne Dupont
eleves.numero_telephone | text | user.contact.phone_number > phone | 06 12 34 56 78
eleves.classe | text | - | 6A
alumnos.primer_apellido | text | user.name.last | García
alumnos.fecha_de_nacimiento | date | user.date_of_birth | 2010-05-05
alumnos.numero_seguridad_social | text | user.government_id.national_identification_number > national_id | -
alumnos.curso | text | - | 3A
alumnos.observaciones | text | user.content | -
dipendenti.stipendio | number | user.financial.salary | 2000
dipendenti.data_assunzione | date | user.employment | 2010-01-01
dipendenti.luogo_nascita | text | user.demographic | Roma
dipendenti.matricola | text+ | - | 123
medewerkers.burgerlijke_staat | text | user.demographic.marital_status | gehuwd
medewerkers.salaris | number | user.financial.salary | 3000
medewerkers.leidinggevende_id | integer | user.unique_id actor | 1
medewerkers.telefoonnummer | text | user.contact.phone_number > phone | 020 123 4567
funcionarios.data_nascimento | date | user.date_of_birth | 1980-01-01
funcionarios.telemovel | text | user.contact.phone_number > phone | 912 345 678
funcionarios.morada | text | user.contact.address | Rua do Paço 5
funcionarios.nif | text | user.government_id.tax_number > tax_number | 123456789
facturas.cliente_id | integer | user.unique_id > customer_id | 1
facturas.numero | text+ | - | F-2024-1
facturas.direccion_facturacion | text | user.contact.address | Calle Mayor 5
hotels.name | text | - | Hotel Adlon;Ritz
hotels.phone | text | user.contact.phone_number | +49 30 22610
rooms.number | text | - | 101;102
reservations.guest_name | text | user.name | Kate Bush;Tim Buckley
reservations.guest_id | integer | user.unique_id > guest_id | 1
reservations.room_id | integer | - | 1
reservations.special_requests | text | - | -
vehicles.license_plate | text | user.vehicle | B-AB 123
vehicles.vin | text | user.vehicle | -
vehicles.color | text | - | red
donations.donor_name | text | user.name | Kate Bush;Tim Buckley
donations.amount | number | - | 10
lab_results.patient_id | integer | user.unique_id > patient_id | 1
lab_results.diagnosis_code | text | user.health_and_medical | J45
job_applications.cover_letter | text | user.employment | -
job_applications.applicant_email | text | user.contact.email > email | kate@example.org;tim@example.org;bob@example.org
parcels.consignee | text | - | -
parcels.tracking_number | text | - | 1Z999AA10123456784
weather.city | text | - | Berlin;Paris
weather.temperature | number | - | 12
exchange_rates.country | text | - | DE
error_log.message | text | - | Connection refused
currencies.symbol | text | - | €
translations.text | text | - | Save;Cancel
feature_flags.description | text | - | -
"""

FIELDS: tuple[Known, ...] = (*fields_of("shops and desks", SHOPS_AND_DESKS), *fields_of("other houses", OTHER_HOUSES))
