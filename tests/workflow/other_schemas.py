"""Tables of well-known applications and of ordinary houses in seven languages, in the form of `known_schemas.py`."""

from tests.workflow.known_schemas import Known, fields_of

APPLICATIONS = """
wp_users.ID | integer! | user.unique_id > user_id | 1;2;3
wp_users.user_login | text | user.account.username > username | admin;editor1;kate
wp_users.user_pass | text | user.authorization.password | $P$B55D6LjfHDkINU5wF.v2BuuzO0/XPk/
wp_users.user_nicename | text | user.name | admin;kate
wp_users.user_email | text | user.contact.email > email | kate@example.org;tim@example.org;bob@example.org
wp_users.user_url | text | user.contact.url | https://kate.example.org
wp_users.user_registered | timestamp | - | 2020-01-01 10:00:00
wp_users.user_activation_key | text | user.authorization.credentials | -
wp_users.user_status | integer | - | 0
wp_users.display_name | text | user.name | Kate Bush;Tim B.;bob
wp_comments.comment_ID | integer! | - | 1;2
wp_comments.comment_post_ID | integer | - | 1;5
wp_comments.comment_author | text | user.name | Kate Bush;Anna;Tom Waits;Maria Callas
wp_comments.comment_author_email | text | user.contact.email > email | kate@example.org;anna@example.org;tom@example.org
wp_comments.comment_author_url | text | user.contact.url | https://kate.example.org
wp_comments.comment_author_IP | text | user.device.ip_address | 203.0.113.9;198.51.100.77;2001:db8::77
wp_comments.comment_content | text | user.content | I liked this post very much, thank you for writing about it at such length.
wp_comments.comment_agent | text | user.device | Mozilla/5.0 (X11) AppleWebKit/537.36;Mozilla/5.0 (Windows NT 10.0);Mozilla/5.0 (iPhone)
wp_comments.user_id | integer | user.unique_id > user_id | 0;1
wp_comments.comment_parent | integer | - | 0;4
wp_comments.comment_type | text | - | comment;pingback
wp_posts.post_author | integer | user.unique_id > author_id | 1;2
wp_posts.post_title | text | - | Hello world!;Sample Page
wp_posts.post_name | text | - | hello-world;sample-page
wp_posts.post_parent | integer | - | 0;7
wp_options.option_name | text+ | - | siteurl;home;blogname
wp_terms.name | text | - | Uncategorized;News
auth_user.id | integer! | user.unique_id > user_id | 1;2
auth_user.password | text | user.authorization.password | pbkdf2_sha256$260000$abc
auth_user.last_login | timestamp | - | 2023-01-01 10:00:00
auth_user.is_superuser | boolean | - | true
auth_user.username | text+ | user.account.username > username | kate;tim;bob
auth_user.first_name | text | user.name.first | Kate;Tim;Bob
auth_user.last_name | text | user.name.last | Bush;Buckley;Dylan
auth_user.email | text | user.contact.email > email | kate@example.org;tim@example.org;bob@example.org
auth_user.is_staff | boolean | - | true
auth_user.date_joined | timestamp | - | 2023-01-01 10:00:00
auth_group.name | text+ | - | editors;managers
auth_user_groups.user_id | integer | user.unique_id > user_id | 1;2
auth_permission.codename | text | - | add_user;change_user
django_session.session_key | text! | user.authorization.credentials | -
django_migrations.name | text | - | 0001_initial
django_content_type.app_label | text | - | admin;auth
customer_entity.entity_id | integer! | user.unique_id > customer_id | 1;2
customer_entity.email | text | user.contact.email > email | kate@example.org;tim@example.org;bob@example.org
customer_entity.firstname | text | user.name.first | Kate;Tim;Bob
customer_entity.lastname | text | user.name.last | Bush;Buckley;Dylan
customer_entity.dob | date | user.date_of_birth | 1958-07-30;1966-11-17
customer_entity.password_hash | text | user.authorization.password | -
customer_entity.taxvat | text | user.government_id.tax_number > tax_number | -
customer_entity.gender | integer | user.demographic.gender | 1;2
customer_entity.store_id | integer | - | 1
customer_entity.website_id | integer | - | 1
customer_entity.rp_token | text | user.authorization.credentials | -
customer_entity.default_billing | integer | - | 7
customer_address_entity.street | text | user.contact.address.street | 12 High Street;5 Mill Road
customer_address_entity.telephone | text | user.contact.phone_number | 555-229-3326
customer_address_entity.vat_id | text | user.government_id.tax_number | -
sales_order.customer_email | text | user.contact.email > email | kate@example.org;tim@example.org;bob@example.org
sales_order.customer_firstname | text | user.name.first | Kate;Tim;Bob
sales_order.customer_note | text | user.content | -
sales_order.remote_ip | text | user.device.ip_address | 203.0.113.9;198.51.100.77;192.168.4.55
sales_order.customer_id | integer | user.unique_id > customer_id | 1;2
sales_order.coupon_code | text | - | SUMMER21;WELCOME
sales_order.increment_id | text+ | - | 000000001;000000002
sales_order.state | text | - | new;processing;complete
sales_order.status | text | - | pending;complete
sales_order.grand_total | number | - | 19.99
sales_order.shipping_description | text | - | Flat Rate - Fixed
sales_order_item.name | text | - | Joust Duffle Bag;Push It Messenger Bag;Fusion Backpack;Radiant Tee
sales_order_item.sku | text | - | 24-MB01;24-MB04;WS12-M-Orange
catalog_product_entity.sku | text | - | 24-MB01;24-MB04
review_detail.nickname | text | user.name | Kate;Tim
review_detail.title | text | - | Great bag;Not bad
newsletter_subscriber.subscriber_email | text | user.contact.email > email | kate@example.org;tim@example.org;bob@example.org
newsletter_subscriber.subscriber_confirm_code | text | - | -
res_partner.name | text | user.name | Brandon Freeman;Azure Interior;Nicole Ford;Deco Addict;Douglas Fletcher;Floyd Steward;Addison Olson
res_partner.email | text | user.contact.email > email | brandon.freeman55@example.com;azure.interior24@example.com;nicole.ford75@example.com
res_partner.vat | text | - | US12345677
res_partner.create_uid | integer | - | 1;2
res_partner.is_company | boolean | - | true
hr_employee.name | text | user.name | Mitchell Admin;Marc Demo;Anita Oliver;Eli Lambert
hr_employee.work_email | text | user.contact.email > email | mitchell@example.com;mark@example.com;anita@example.com
hr_employee.work_phone | text | user.contact.phone_number > phone | (237)-125-2389;(582)-233-5183
hr_employee.ssnid | text | user.government_id.national_identification_number > national_id | -
hr_employee.passport_id | text | user.government_id.passport_number > passport_number | -
hr_employee.birthday | date | user.date_of_birth | 1973-03-29
hr_employee.marital | text | user.demographic.marital_status | single;married
hr_employee.km_home_work | integer | - | 10
hr_employee.barcode | text+ | - | 041234567890
hr_employee.emergency_contact | text | user.name | -
hr_employee.emergency_phone | text | user.contact.phone_number | -
hr_employee.coach_id | integer | user.unique_id | 3
hr_employee.parent_id | integer | user.unique_id | 3
mdl_user.id | integer! | user.unique_id > user_id | 1;2
mdl_user.username | text | user.account.username > username | kate;tim
mdl_user.idnumber | text | - | -
mdl_user.phone1 | text | user.contact.phone_number > phone | 0171 5550132;030 901820
mdl_user.institution | text | - | -
mdl_user.lastip | text | user.device.ip_address | 203.0.113.9;198.51.100.77;192.168.4.55
mdl_user.secret | text | user.authorization.credentials | -
mdl_user.picture | integer | - | 0
mdl_user.lang | text | user.demographic.language | en;de
mdl_user.timezone | text | user.location | 99;Europe/Berlin
mdl_course.fullname | text | - | Introduction to Statistics;Organic Chemistry I;World History
mdl_course.shortname | text | - | STAT1;CHEM1
mdl_forum_posts.message | text | user.content.private | I have a question about the second exercise, could anybody help me with it please?
mdl_forum_posts.userid | integer | user.unique_id > user_id | 3;4
mdl_forum_posts.parent | integer | - | 0;12
mdl_grade_grades.userid | integer | user.unique_id > user_id | 3;4
patient.patient_id | integer! | user.unique_id > patient_id | 1;2
patient_identifier.identifier | text | - | 100GEJ;100FDE
person.person_id | integer! | user.unique_id > person_id | 1;2
person.gender | text | user.demographic.gender | M;F
person.birthdate | date | user.date_of_birth | 1958-07-30
person.birthdate_estimated | boolean | - | false
person.death_date | timestamp | - | -
person.cause_of_death | integer | - | -
person_name.given_name | text | user.name.first | Kate;Tim
person_name.family_name | text | user.name.last | Bush;Buckley
person_address.city_village | text | user.contact.address.city | Kisumu;Eldoret
encounter.patient_id | integer | user.unique_id > patient_id | 1;2
encounter.creator | integer | user.unique_id actor | 1
obs.value_text | text | - | -
obs.person_id | integer | user.unique_id > person_id | 1;2
drug.name | text | - | Aspirin;Triomune-30;Paracetamol
concept_name.name | text | - | MALARIA SMEAR;WEIGHT (KG)
user_entity.email | text | user.contact.email > email | kate@example.org;tim@example.org;bob@example.org
user_entity.realm_id | text | - | master
credential.secret_data | text | user.authorization.credentials | -
credential.user_id | text | user.unique_id > user_id | -
user_session.ip_address | text | user.device.ip_address | 203.0.113.9;198.51.100.77;192.168.4.55
oauth_access_tokens.client_id | text | - | web-app;mobile
oauth_access_tokens.token | text | user.authorization.credentials | -
oauth_clients.name | text | - | Web app;Mobile app
Users.DisplayName | text | user.name | Jeff Atwood;Geoff Dalgarno;Jarrod Dixon;Joel Spolsky
Users.AboutMe | text | user.content | Once upon a time I was a programmer at a large company, and I wrote a book about that as well.
Users.Location | text | user.location | El Cerrito, CA;Corvallis, OR
Users.WebsiteUrl | text | user.contact.url | http://www.codinghorror.com/blog/
Users.Reputation | integer | - | 1;101
Users.EmailHash | text | user.unique_id.pseudonymous | 51d623f33f8b83095db84ff35e15dbe8
Posts.OwnerUserId | integer | user.unique_id | 8;9
Posts.LastEditorUserId | integer | user.unique_id actor | 5
Posts.OwnerDisplayName | text | user.name | Jeff;Joel
Posts.Body | text | user.content | I want to assign the decimal variable to a double variable, and this is what my code looks like at the moment.
Posts.Title | text | - | How to convert Decimal to Double in C#?
Posts.Tags | text | - | <c#><floating-point>
Posts.ViewCount | integer | - | 12;99
Comments.Text | text | user.content | It will help if you give some details of which database you are using as techniques vary.
Comments.UserId | integer | user.unique_id > user_id | 3;5
Votes.UserId | integer | user.unique_id > user_id | 3;5
Badges.Name | text | - | Teacher;Student;Editor
"""

HOUSES = """
kunden.id | integer! | user.unique_id > customer_id | 1;2
kunden.anrede | text | user.name | Herr;Frau
kunden.vorname | text | user.name.first | Hans;Petra;Jürgen
kunden.nachname | text | user.name.last | Müller;Schulz;Krause
kunden.firma | text | user.contact.organization | Müller GmbH
kunden.strasse | text | user.contact.address.street | Hauptstr. 5;Am Ring 12
kunden.hausnummer | text | user.contact.address.street | 5;12a
kunden.plz | text | user.contact.address.postal_code | 10115;80331
kunden.ort | text | user.contact.address.city | Berlin;München
kunden.land | text | user.contact.address.country | DE;AT
kunden.telefonnummer | text | user.contact.phone_number > phone | 030 901820;089 123456
kunden.handy | text | user.contact.phone_number > phone | 0171 5550132
kunden.e_mail | text | user.contact.email > email | hans@example.de;petra@example.de;jm@example.de
kunden.geburtsdatum | date | user.date_of_birth | 1958-07-30
kunden.iban | text | user.financial.bank_account > iban | DE89370400440532013000;DE75512108001245126199;DE12500105170648489890
kunden.steuer_id | text | user.government_id.tax_number > tax_number | 86095742719;47036892816
kunden.konfession | text | user.demographic.religious_belief | rk;ev
kunden.bemerkung | text | user.content | -
kunden.angelegt_am | timestamp | - | 2020-01-01 10:00:00
kunden.angelegt_von | text | user.unique_id actor | -
kunden.betreuer_id | integer | user.unique_id actor | 3
kunden.kundengruppe | text | - | A;B
kunden.rabatt | number | - | 0;5
kunden.newsletter | boolean | user.privacy_preferences | true
bestellungen.kunden_nr | integer | user.unique_id > customer_id | 1;2
bestellungen.bestelldatum | date | - | 2020-01-01
bestellungen.lieferadresse | text | user.contact.address | Hauptstr. 5, 10115 Berlin
bestellungen.sachbearbeiter | text | user.unique_id actor | -
bestellungen.betrag | number | - | 12.5
bestellpositionen.artikelnummer | text | - | A-1001;A-1002
artikel.bezeichnung | text | - | Schraube M5;Mutter M5
artikel.name | text | - | Schraube M5;Hammer
artikel.preis | number | - | 0.1
artikel.beschreibung | text | - | Verzinkte Schraube aus Stahl
lieferanten.firmenname | text | - | Schrauben Meier KG
lieferanten.ansprechpartner | text | user.name | Petra Meier;Hans Krause;Jürgen Schulz
mitarbeiter.personalnummer | integer! | user.unique_id > employee_id | 1;2
mitarbeiter.gehalt | number | user.financial.salary | 4000
mitarbeiter.eintrittsdatum | date | user.employment | 2010-01-01
mitarbeiter.steuerklasse | text | user.financial.salary | 1;3
mitarbeiter.krankheitstage | integer | user.health_and_medical | 3
mitarbeiter.vorgesetzter_id | integer | user.unique_id actor | 1
mitarbeiter.gewerkschaftsmitglied | boolean | user.demographic | true
mitarbeiter.schwerbehinderung | integer | user.health_and_medical | 0
mitarbeiter.sozialversicherungsnummer | text | user.government_id.national_identification_number > national_id | 12010188M011
clients.id_client | integer! | user.unique_id > customer_id | 1;2
clients.civilite | text | user.name | M.;Mme
clients.prenom | text | user.name.first | Jean;Marie
clients.nom | text | user.name | Dupont;Martin
clients.date_naissance | date | user.date_of_birth | 1958-07-30
clients.courriel | text | user.contact.email > email | jean@example.fr;marie@example.fr;paul@example.fr
clients.adresse | text | user.contact.address | 12 rue de la Paix
clients.code_postal | text | user.contact.address.postal_code | 75001;69002
clients.ville | text | user.contact.address.city | Paris;Lyon
clients.num_secu | text | user.government_id.national_identification_number > national_id | 1 85 05 78 006 084 36
clients.telephone_portable | text | user.contact.phone_number > phone | 06 12 34 56 78
clients.situation_familiale | text | user.demographic.marital_status | marié
commandes.id_client | integer | user.unique_id > customer_id | 1
commandes.date_commande | date | - | 2020-01-01
commandes.cree_par | text | user.unique_id actor | -
produits.nom | text | - | Vis M5;Marteau
produits.prix | number | - | 0.1
fournisseurs.raison_sociale | text | - | Vis SARL
clientes.id_cliente | integer! | user.unique_id > customer_id | 1;2
clientes.nombre | text | user.name | José;María
clientes.apellidos | text | user.name.last | García López;Fernández Ruiz
clientes.fecha_nacimiento | date | user.date_of_birth | 1958-07-30
clientes.dni | text | user.government_id.national_identification_number > national_id | 12345678Z;87654321X
clientes.correo_electronico | text | user.contact.email > email | jose@example.es;maria@example.es;luis@example.es
clientes.direccion | text | user.contact.address | Calle Mayor 5
clientes.telefono_movil | text | user.contact.phone_number > phone | 612 345 678
clientes.codigo_postal | text | user.contact.address.postal_code | 28001
clientes.ciudad | text | user.contact.address.city | Madrid
pedidos.cliente_id | integer | user.unique_id > customer_id | 1
pedidos.vendedor_id | integer | user.unique_id actor | 1
pedidos.fecha_pedido | date | - | 2020-01-01
pedidos_cliente.id | integer! | - | 1;2
productos.nombre | text | - | Tornillo;Martillo
clienti.codice_fiscale | text | user.government_id.tax_number > tax_number | RSSMRA85T10A562S;BNCLCU80A41F205X;VRDGPP75D12H501O
clienti.nome | text | user.name | Giuseppe;Lucia
clienti.cognome | text | user.name.last | Rossi;Bianchi
clienti.data_di_nascita | date | user.date_of_birth | 1958-07-30
clienti.indirizzo | text | user.contact.address | Via Roma 5
clienti.cap | text | user.contact.address.postal_code | 00184
ordini.id_cliente | integer | user.unique_id > customer_id | 1
klanten.klantnummer | integer! | user.unique_id > customer_id | 1
klanten.voornaam | text | user.name.first | Jan;Sanne
klanten.achternaam | text | user.name.last | de Vries;Jansen
klanten.geboortedatum | date | user.date_of_birth | 1958-07-30
klanten.bsn | text | user.government_id.national_identification_number > national_id | 111222333;123456782
klanten.woonplaats | text | user.contact.address.city | Utrecht
klanten.opmerkingen | text | user.content | -
clientes.cpf | text | user.government_id.national_identification_number > national_id | 529.982.247-25;111.444.777-35
clientes.endereco | text | user.contact.address | Rua do Paço, 67
clientes.celular | text | user.contact.phone_number > phone | (11) 98765-4321
Contacts.Fname | text | user.name.first | Ann;Bob
Contacts.Lname | text | user.name.last | Smith;Jones
Contacts.Mob | text | user.contact.phone_number > phone | +44 7700 900123
Contacts.DOB | date | user.date_of_birth | 1958-07-30
devices.serial_number | text+ | - | SN123;SN124
devices.mac_address | text | user.device.device_id | 00:1b:63:84:45:e6;00:1b:63:84:45:e7;00:1b:63:84:45:e8
servers.hostname | text | - | web1;web2
servers.ip_address | text | user.device.ip_address | 203.0.113.9;198.51.100.77;192.168.4.55
servers.version | text | - | 1.2.3.4;2.0.1.0;1.10.3.1
flights.passenger_name | text | user.name | Kate Bush;Tim Buckley
flights.flight_number | text | - | LH123;BA77
countries.name | text | - | Germany;France
audit_log.changed_by | text | user.unique_id actor | -
audit_log.old_values | json | - | {"a":1}
events.payload | json | user | {"email":"kate@example.org"};{"email":"tim@example.org"}
x.col7 | text | user.contact.email | kate@example.org;tim@example.org;bob@example.org;a@example.org;b@example.org
x.col8 | text | user.financial.bank_account | DE89370400440532013000;GB82WEST12345698765432;FR1420041010050500013M02606
x.col9 | text | - | ORD-2024-001;ORD-2024-002;ORD-2024-003
x.col10 | text | - | 2024000017;2024000018;2024000019;2024000020;2024000021
"""

FIELDS: tuple[Known, ...] = (*fields_of("applications", APPLICATIONS), *fields_of("houses", HOUSES))
