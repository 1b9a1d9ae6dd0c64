"""Five databases that everybody knows, written down with what a privacy officer would say of each field.

A line is `collection.field | type | expected | values`. A type ends in `!` for a key, in `+` for a unique field. Expected is a category or `-`, then
`> kind` where the field says whose the record is, or `actor`. The values are a few of the kind that stand there.
"""

from dataclasses import dataclass

from dsr_engine.domain.anonymize import FieldFacts, ValueType


@dataclass(frozen=True, slots=True)
class Known:
    schema: str
    collection: str
    facts: FieldFacts
    category: str | None
    selects: str | None
    is_actor: bool
    values: tuple[str, ...]


SAKILA = """
actor.actor_id | integer! | user.unique_id > actor_id | 1;2;3;4
actor.first_name | text | user.name.first | PENELOPE;NICK;ED;JENNIFER;JOHNNY;BETTE;GRACE;MATTHEW;JOE;CHRISTIAN
actor.last_name | text | user.name.last | GUINESS;WAHLBERG;CHASE;DAVIS;LOLLOBRIGIDA;NICHOLSON
actor.last_update | timestamp | - | 2006-02-15 04:34:33
address.address_id | integer! | - | 1;2;3
address.address | text | user.contact.address | 47 MySakila Drive;28 MySQL Boulevard;23 Workhaven Lane;1411 Lillydale Drive;1913 Hanoi Way
address.address2 | text | user.contact.address | -
address.district | text | user.contact.address.state | Alberta;QLD;Nagasaki;California;Attika
address.city_id | integer | - | 300;576;463
address.postal_code | text | user.contact.address.postal_code | 35200;17886;83579;53561;42399
address.phone | text | user.contact.phone_number | 14033335568;6172235589;28303384290;838635286649;448477190408
category.category_id | integer! | - | 1;2;3
category.name | text | - | Action;Animation;Children;Classics;Comedy;Documentary;Drama
city.city_id | integer! | - | 1;2;3
city.city | text | - | A Corua (La Corua);Abha;Abu Dhabi;Acua;Adana
city.country_id | integer | - | 87;82;101
country.country | text | - | Afghanistan;Algeria;American Samoa;Angola
customer.customer_id | integer! | user.unique_id > customer_id | 1;2;3
customer.store_id | integer | - | 1;2
customer.first_name | text | user.name.first | MARY;PATRICIA;LINDA;BARBARA;ELIZABETH;JENNIFER
customer.last_name | text | user.name.last | SMITH;JOHNSON;WILLIAMS;JONES;BROWN
customer.email | text | user.contact.email > email | MARY.SMITH@sakilacustomer.org;PATRICIA.JOHNSON@sakilacustomer.org
customer.address_id | integer | - | 5;6;7
customer.activebool | boolean | - | true;false
customer.create_date | date | - | 2006-02-14
customer.active | integer | - | 0;1
film.film_id | integer! | - | 1;2;3
film.title | text | - | ACADEMY DINOSAUR;ACE GOLDFINGER;ADAPTATION HOLES;AFFAIR PREJUDICE
film.description | text | - | A Epic Drama of a Feminist And a Mad Scientist who must Battle a Teacher in The Canadian Rockies
film.release_year | integer | - | 2006
film.language_id | integer | - | 1
film.rental_duration | integer | - | 3;5;7
film.rental_rate | number | - | 0.99;2.99;4.99
film.length | integer | - | 86;48;50
film.rating | enum | - | G;PG;PG-13;R;NC-17
film.special_features | text | - | {"Deleted Scenes","Behind the Scenes"}
film.fulltext | other | - | 'academi':1 'battl':15
film_actor.actor_id | integer! | user.unique_id | 1;2;3
film_actor.film_id | integer! | - | 1;23;25
film_category.category_id | integer! | - | 6;11
inventory.inventory_id | integer! | - | 1;2;3
inventory.film_id | integer | - | 1;2
inventory.store_id | integer | - | 1;2
language.language_id | integer! | - | 1;2;3
language.name | text | - | English;Italian;Japanese;Mandarin;French;German
payment.payment_id | integer! | - | 16050;16051
payment.customer_id | integer | user.unique_id > customer_id | 269;270;271
payment.staff_id | integer | user.unique_id actor | 1;2
payment.rental_id | integer | - | 7;98
payment.amount | number | - | 1.99;0.99
payment.payment_date | timestamp | - | 2017-01-24 21:40:19.996577+00
rental.rental_id | integer! | - | 2;3
rental.rental_date | timestamp | - | 2005-05-24 22:54:33
rental.inventory_id | integer | - | 1525;1711
rental.customer_id | integer | user.unique_id > customer_id | 459;408
rental.return_date | timestamp | - | 2005-05-28 19:40:33
rental.staff_id | integer | user.unique_id actor | 1;2
staff.staff_id | integer! | user.unique_id > employee_id | 1;2
staff.first_name | text | user.name.first | Mike;Jon
staff.last_name | text | user.name.last | Hillyer;Stephens
staff.address_id | integer | - | 3;4
staff.email | text | user.contact.email > email | Mike.Hillyer@sakilastaff.com;Jon.Stephens@sakilastaff.com
staff.store_id | integer | - | 1;2
staff.active | boolean | - | true
staff.username | text | user.account.username > username | Mike;Jon
staff.password | text | user.authorization.password | 8cb2237d0679ca88db6464eac60da96345513964
staff.picture | binary | user.content.self_image | -
store.store_id | integer! | - | 1;2
store.manager_staff_id | integer+ | user.unique_id actor | 1;2
store.address_id | integer | - | 1;2
"""

CHINOOK = """
Album.AlbumId | integer! | - | 1;2;3
Album.Title | text | - | For Those About To Rock We Salute You;Balls to the Wall;Restless and Wild;Big Ones;Jagged Little Pill
Album.ArtistId | integer | - | 1;2
Artist.ArtistId | integer! | - | 1;2
Artist.Name | text | - | AC/DC;Accept;Aerosmith;Alanis Morissette;Alice In Chains;Apocalyptica;Audioslave;BackBeat
Customer.CustomerId | integer! | user.unique_id > customer_id | 1;2;3
Customer.FirstName | text | user.name.first | Luís;Leonie;François;Bjørn;František;Helena;Astrid;Daan;Kara
Customer.LastName | text | user.name.last | Gonçalves;Köhler;Tremblay;Hansen;Wichterlová;Holý
Customer.Company | text | user.contact.organization | Embraer - Empresa Brasileira de Aeronáutica S.A.;JetBrains s.r.o.;Woodstock Discos;Apple Inc.
Customer.Address | text | user.contact.address | Av. Brigadeiro Faria Lima, 2170;Theodor-Heuss-Straße 34;1498 rue Bélanger;Ullevålsveien 14
Customer.City | text | user.contact.address.city | São José dos Campos;Stuttgart;Montréal;Oslo;Prague
Customer.State | text | user.contact.address.state | SP;QC;AB;CA;WA
Customer.Country | text | user.contact.address.country | Brazil;Germany;Canada;Norway
Customer.PostalCode | text | user.contact.address.postal_code | 12227-000;70174;H2G 1A7;0171;14700
Customer.Phone | text | user.contact.phone_number > phone | +55 (12) 3923-5555;+49 0711 2842222;+1 (514) 721-4711;+47 22 44 22 22
Customer.Fax | text | user.contact.fax_number | +55 (12) 3923-5566;+420 2 4172 5555
Customer.Email | text | user.contact.email > email | luisg@embraer.com.br;leonekohler@surfeu.de;ftremblay@gmail.com;bjorn.hansen@yahoo.no
Customer.SupportRepId | integer | user.unique_id actor | 3;4;5
Employee.EmployeeId | integer! | user.unique_id > employee_id | 1;2;3
Employee.LastName | text | user.name.last | Adams;Edwards;Peacock;Park;Johnson
Employee.FirstName | text | user.name.first | Andrew;Nancy;Jane;Margaret;Steve
Employee.Title | text | user.job_title | General Manager;Sales Manager;Sales Support Agent;IT Manager;IT Staff
Employee.ReportsTo | integer | user.unique_id actor | 1;2;6
Employee.BirthDate | timestamp | user.date_of_birth | 1962-02-18 00:00:00;1958-12-08 00:00:00;1973-08-29 00:00:00
Employee.HireDate | timestamp | user.employment | 2002-08-14 00:00:00;2002-05-01 00:00:00
Employee.Address | text | user.contact.address | 11120 Jasper Ave NW;825 8 Ave SW;1111 6 Ave SW;683 10 Street SW
Employee.City | text | user.contact.address.city | Edmonton;Calgary;Lethbridge
Employee.State | text | user.contact.address.state | AB
Employee.Country | text | user.contact.address.country | Canada
Employee.PostalCode | text | user.contact.address.postal_code | T5K 2N1;T2P 2T3;T2P 5M5
Employee.Phone | text | user.contact.phone_number > phone | +1 (780) 428-9482;+1 (403) 262-3443;1 (780) 836-9987
Employee.Fax | text | user.contact.fax_number | +1 (780) 428-3457
Employee.Email | text | user.contact.email > email | andrew@chinookcorp.com;nancy@chinookcorp.com;jane@chinookcorp.com
Genre.GenreId | integer! | - | 1;2
Genre.Name | text | - | Rock;Jazz;Metal;Alternative & Punk;Blues;Latin;Reggae
Invoice.InvoiceId | integer! | - | 1;2
Invoice.CustomerId | integer | user.unique_id > customer_id | 2;4;8
Invoice.InvoiceDate | timestamp | - | 2009-01-01 00:00:00
Invoice.BillingAddress | text | user.contact.address | Theodor-Heuss-Straße 34;Ullevålsveien 14;Grétrystraat 63;8210 111 ST NW
Invoice.BillingCity | text | user.contact.address.city | Stuttgart;Oslo;Brussels
Invoice.BillingState | text | user.contact.address.state | AB;MA
Invoice.BillingCountry | text | user.contact.address.country | Germany;Norway;Belgium
Invoice.BillingPostalCode | text | user.contact.address.postal_code | 70174;0171;1000
Invoice.Total | number | - | 1.98;3.96
InvoiceLine.InvoiceLineId | integer! | - | 1;2
InvoiceLine.InvoiceId | integer | - | 1;2
InvoiceLine.TrackId | integer | - | 2;4
InvoiceLine.UnitPrice | number | - | 0.99
InvoiceLine.Quantity | integer | - | 1
MediaType.Name | text | - | MPEG audio file;Protected AAC audio file;Purchased AAC audio file
Playlist.Name | text | - | Music;Movies;TV Shows;Audiobooks;90’s Music
PlaylistTrack.TrackId | integer! | - | 1;2
Track.Name | text | - | For Those About To Rock (We Salute You);Fast As a Shark;Princess of the Dawn;Put The Finger On You;Snowballed
Track.Composer | text | user.name | Angus Young, Malcolm Young, Brian Johnson;F. Baltes, S. Kaufman, U. Dirkscneider & W. Hoffman
Track.Milliseconds | integer | - | 343719;342562
Track.Bytes | integer | - | 11170334;5510424
Track.MediaTypeId | integer | - | 1;2
"""

NORTHWIND = """
customers.customer_id | text! | user.unique_id > customer_id | ALFKI;ANATR;ANTON;AROUT
customers.company_name | text | user.contact.organization | Alfreds Futterkiste;Ana Trujillo Emparedados y helados;Around the Horn;Berglunds snabbköp
customers.contact_name | text | user.name | Maria Anders;Ana Trujillo;Antonio Moreno;Thomas Hardy;Christina Berglund
customers.contact_title | text | user.job_title | Sales Representative;Owner;Order Administrator;Marketing Manager
customers.address | text | user.contact.address | Obere Str. 57;Avda. de la Constitución 2222;Mataderos 2312;120 Hanover Sq.;Berguvsvägen 8
customers.city | text | user.contact.address.city | Berlin;México D.F.;London;Luleå
customers.region | text | user.contact.address.state | BC;SP;Essex;OR
customers.postal_code | text | user.contact.address.postal_code | 12209;05021;WA1 1DP;S-958 22
customers.country | text | user.contact.address.country | Germany;Mexico;UK;Sweden
customers.phone | text | user.contact.phone_number > phone | 030-0074321;(5) 555-4729;(171) 555-7788;0921-12 34 65
customers.fax | text | user.contact.fax_number | 030-0076545;(5) 555-3745;(171) 555-6750
customer_demographics.customer_type_id | text! | - | -
customer_demographics.customer_desc | text | - | -
customer_customer_demo.customer_id | text! | user.unique_id > customer_id | -
employees.employee_id | integer! | user.unique_id > employee_id | 1;2;3
employees.last_name | text | user.name.last | Davolio;Fuller;Leverling;Peacock;Buchanan
employees.first_name | text | user.name.first | Nancy;Andrew;Janet;Margaret;Steven;Michael;Robert;Laura;Anne
employees.title | text | user.job_title | Sales Representative;Vice President, Sales;Sales Manager;Inside Sales Coordinator
employees.title_of_courtesy | text | user.name | Ms.;Dr.;Mrs.;Mr.
employees.birth_date | date | user.date_of_birth | 1948-12-08;1952-02-19;1963-08-30;1937-09-19
employees.hire_date | date | user.employment | 1992-05-01;1992-08-14
employees.address | text | user.contact.address | 507 - 20th Ave. E.\\nApt. 2A;908 W. Capital Way;722 Moss Bay Blvd.;4110 Old Redmond Rd.
employees.city | text | user.contact.address.city | Seattle;Tacoma;Kirkland;London
employees.region | text | user.contact.address.state | WA
employees.postal_code | text | user.contact.address.postal_code | 98122;98401;SW1 8JR;EC2 7JR
employees.country | text | user.contact.address.country | USA;UK
employees.home_phone | text | user.contact.phone_number > phone | (206) 555-9857;(206) 555-9482;(71) 555-4848
employees.extension | text | - | 5467;3457;3355
employees.photo | binary | user.content.self_image | -
employees.notes | text | user.content | Education includes a BA in psychology from Colorado State University in 1970. She also completed The Art of
employees.reports_to | integer | user.unique_id actor | 2;5
employees.photo_path | text | user.content.self_image | http://accweb/emmployees/davolio.bmp;http://accweb/emmployees/fuller.bmp
employee_territories.employee_id | integer! | user.unique_id > employee_id | 1;2
employee_territories.territory_id | text! | - | 06897;19713
categories.category_name | text | - | Beverages;Condiments;Confections;Dairy Products;Grains/Cereals
categories.description | text | - | Soft drinks, coffees, teas, beers, and ales;Sweet and savory sauces, relishes, spreads, and seasonings
categories.picture | binary | - | -
order_details.order_id | integer! | - | 10248;10249
order_details.product_id | integer! | - | 11;42
order_details.unit_price | number | - | 14;9.8
order_details.quantity | integer | - | 12;10
order_details.discount | number | - | 0;0.05
orders.order_id | integer! | - | 10248;10249
orders.customer_id | text | user.unique_id > customer_id | VINET;TOMSP;HANAR
orders.employee_id | integer | user.unique_id actor | 5;6;4
orders.order_date | date | - | 1996-07-04
orders.required_date | date | - | 1996-08-01
orders.shipped_date | date | - | 1996-07-16
orders.ship_via | integer | - | 3;1;2
orders.freight | number | - | 32.38;11.61
orders.ship_name | text | user.name | Vins et alcools Chevalier;Toms Spezialitäten;Hanari Carnes;Victuailles en stock;Suprêmes délices
orders.ship_address | text | user.contact.address | 59 rue de l'Abbaye;Luisenstr. 48;Rua do Paço, 67;2, rue du Commerce
orders.ship_city | text | user.contact.address.city | Reims;Münster;Rio de Janeiro
orders.ship_region | text | user.contact.address.state | RJ;SP;NM
orders.ship_postal_code | text | user.contact.address.postal_code | 51100;44087;05454-876
orders.ship_country | text | user.contact.address.country | France;Germany;Brazil
products.product_id | integer! | - | 1;2
products.product_name | text | - | Chai;Chang;Aniseed Syrup;Chef Anton's Cajun Seasoning;Grandma's Boysenberry Spread;Uncle Bob's Organic Dried Pears
products.supplier_id | integer | - | 8;1
products.quantity_per_unit | text | - | 10 boxes x 30 bags;24 - 12 oz bottles;12 - 550 ml bottles
products.units_in_stock | integer | - | 39;17
products.discontinued | integer | - | 0;1
region.region_description | text | - | Eastern;Western;Northern;Southern
shippers.shipper_id | integer! | - | 1;2
shippers.company_name | text | - | Speedy Express;United Package;Federal Shipping
shippers.phone | text | user.contact.phone_number | (503) 555-9831;(503) 555-3199;(503) 555-9931
suppliers.supplier_id | integer! | - | 1;2
suppliers.company_name | text | - | Exotic Liquids;New Orleans Cajun Delights;Grandma Kelly's Homestead
suppliers.contact_name | text | user.name | Charlotte Cooper;Shelley Burke;Regina Murphy;Yoshi Nagase
suppliers.contact_title | text | user.job_title | Purchasing Manager;Order Administrator;Sales Representative
suppliers.address | text | - | 49 Gilbert St.;P.O. Box 78934;707 Oxford Rd.;9-8 Sekimai Musashino-shi
suppliers.city | text | - | London;New Orleans;Ann Arbor
suppliers.postal_code | text | - | EC1 4SD;70117;48104
suppliers.phone | text | user.contact.phone_number | (171) 555-2222;(100) 555-4822;(313) 555-5735
suppliers.homepage | text | - | #CAJUN.HTM#;G'day Mate (via the World Wide Web)#http://www.microsoft.com/accessdev/sampleapps/gdaymate.htm#
territories.territory_description | text | - | Westboro;Bedford;Georgetow
us_states.state_name | text | - | Alabama;Alaska;Arizona
us_states.state_abbr | text | - | AL;AK;AZ
"""

EMPLOYEES = """
departments.dept_no | text! | - | d001;d002
departments.dept_name | text | - | Marketing;Finance;Human Resources;Production
dept_emp.emp_no | integer! | user.unique_id > employee_id | 10001;10002
dept_emp.dept_no | text! | - | d005;d007
dept_emp.from_date | date | - | 1986-06-26
dept_emp.to_date | date | - | 9999-01-01
dept_manager.emp_no | integer! | user.unique_id > employee_id | 110022;110039
dept_manager.dept_no | text! | - | d001
employees.emp_no | integer! | user.unique_id > employee_id | 10001;10002
employees.birth_date | date | user.date_of_birth | 1953-09-02;1964-06-02;1959-12-03
employees.first_name | text | user.name.first | Georgi;Bezalel;Parto;Chirstian;Kyoichi;Anneke;Tzvetan;Saniya
employees.last_name | text | user.name.last | Facello;Simmel;Bamford;Koblick;Maliniak
employees.gender | enum | user.demographic.gender | M;F
employees.hire_date | date | user.employment | 1986-06-26;1985-11-21
salaries.emp_no | integer! | user.unique_id > employee_id | 10001;10002
salaries.salary | integer | user.financial.salary | 60117;62102
salaries.from_date | date! | - | 1986-06-26
titles.emp_no | integer! | user.unique_id > employee_id | 10001
titles.title | text! | user.job_title | Senior Engineer;Staff;Engineer;Senior Staff;Assistant Engineer
"""

ADVENTUREWORKS = """
Person.Person.BusinessEntityID | integer! | user.unique_id > person_id | 1;2;3
Person.Person.PersonType | text | - | EM;SC;IN;VC;GC;SP
Person.Person.NameStyle | boolean | - | 0
Person.Person.Title | text | user.name | Mr.;Ms.;Sra.;Sr.;Mrs.
Person.Person.FirstName | text | user.name.first | Ken;Terri;Roberto;Rob;Gail;Jossef;Dylan;Diane
Person.Person.MiddleName | text | user.name.first | J;Lee;R;A;H
Person.Person.LastName | text | user.name.last | Sánchez;Duffy;Tamburello;Walters;Erickson
Person.Person.Suffix | text | user.name | Jr.;III;Sr.;II
Person.Person.EmailPromotion | integer | user.privacy_preferences | 0;1;2
Person.Person.Demographics | text | user.content | <IndividualSurvey xmlns="http://example"><TotalPurchaseYTD>0</TotalPurchaseYTD></IndividualSurvey>
Person.Person.rowguid | uuid+ | - | 92c4279f-1207-48a3-8448-4636514eb7e2
Person.Person.ModifiedDate | timestamp | - | 2009-01-07 00:00:00
Person.EmailAddress.BusinessEntityID | integer! | - | 1;2
Person.EmailAddress.EmailAddressID | integer! | - | 1;2
Person.EmailAddress.EmailAddress | text | user.contact.email > email | ken0@adventure-works.com;terri0@adventure-works.com
Person.PersonPhone.PhoneNumber | text! | user.contact.phone_number | 697-555-0142;819-555-0175;212-555-0187;1 (11) 500 555-0132
Person.PersonPhone.PhoneNumberTypeID | integer! | - | 1;3
Person.PhoneNumberType.Name | text | - | Cell;Home;Work
Person.Password.PasswordHash | text | user.authorization.password | pbFwXWE99vobT6g+vPWFy93NtUU/orrIWafF01hccfM=
Person.Password.PasswordSalt | text | user.authorization.password | bE3XiWw=;EjJaC3U=
Person.Address.AddressLine1 | text | user.contact.address.street | 1970 Napa Ct.;9833 Mt. Dias Blv.;7484 Roundtree Drive;9539 Glenside Dr
Person.Address.AddressLine2 | text | user.contact.address.street | Space 55;Unit E;# 500-75 O'Connor Street
Person.Address.City | text | user.contact.address.city | Bothell;Portland;Dallas
Person.Address.StateProvinceID | integer | - | 79;58
Person.Address.PostalCode | text | user.contact.address.postal_code | 98011;97205;75201
Person.Address.SpatialLocation | binary | user.location.precise | -
Person.AddressType.Name | text | - | Billing;Home;Main Office;Primary;Shipping;Archive
Person.ContactType.Name | text | - | Accounting Manager;Assistant Sales Agent;Owner;Product Manager
Person.CountryRegion.Name | text | - | Andorra;United Arab Emirates;Afghanistan
Person.CountryRegion.CountryRegionCode | text! | - | AD;AE;AF
Person.StateProvince.Name | text | - | Ain;Alaska;Alabama;Alberta
HumanResources.Employee.BusinessEntityID | integer! | user.unique_id > employee_id | 1;2
HumanResources.Employee.NationalIDNumber | text+ | user.government_id.national_identification_number > national_id | 295847284;245797967;509647174
HumanResources.Employee.LoginID | text+ | user.account.username > username | adventure-works\\ken0;adventure-works\\terri0;adventure-works\\roberto0
HumanResources.Employee.OrganizationLevel | integer | user.employment | 1;2;3
HumanResources.Employee.JobTitle | text | user.job_title | Chief Executive Officer;Vice President of Engineering;Engineering Manager
HumanResources.Employee.BirthDate | date | user.date_of_birth | 1969-01-29;1971-08-01;1974-11-12
HumanResources.Employee.MaritalStatus | text | user.demographic.marital_status | M;S
HumanResources.Employee.Gender | text | user.demographic.gender | M;F
HumanResources.Employee.HireDate | date | user.employment | 2009-01-14;2008-01-31
HumanResources.Employee.VacationHours | integer | user.employment | 99;1;2
HumanResources.Employee.SickLeaveHours | integer | user.employment | 69;20
HumanResources.Employee.CurrentFlag | boolean | - | 1
HumanResources.EmployeePayHistory.BusinessEntityID | integer! | - | 1
HumanResources.EmployeePayHistory.Rate | number | - | 125.5;63.4615
HumanResources.Department.Name | text | - | Document Control;Engineering;Executive;Facilities and Maintenance
HumanResources.Department.GroupName | text | - | Quality Assurance;Research and Development
HumanResources.JobCandidate.Resume | text | user.employment | <ns:Resume><ns:Name><ns:Name.First>Shai</ns:Name.First></ns:Name></ns:Resume>
HumanResources.Shift.Name | text | - | Day;Evening;Night
Sales.Customer.CustomerID | integer! | user.unique_id > customer_id | 1;2
Sales.Customer.PersonID | integer | user.unique_id > person_id | 4351;3987
Sales.Customer.StoreID | integer | - | 934;1028
Sales.Customer.AccountNumber | text+ | - | AW00000001;AW00000002
Sales.CreditCard.CardNumber | text+ | user.financial.credit_card | 33332664695310;55552127249722;77778344838353
Sales.CreditCard.ExpMonth | integer | user.financial.credit_card | 11;8;7
Sales.CreditCard.CardType | text | - | SuperiorCard;Distinguish;ColonialVoice;Vista
Sales.PersonCreditCard.CreditCardID | integer! | - | 17038;15369
Sales.SalesOrderHeader.SalesOrderID | integer! | - | 43659
Sales.SalesOrderHeader.OrderDate | timestamp | - | 2011-05-31 00:00:00
Sales.SalesOrderHeader.SalesOrderNumber | text+ | - | SO43659;SO43660
Sales.SalesOrderHeader.PurchaseOrderNumber | text | - | PO522145787;PO18850127500
Sales.SalesOrderHeader.AccountNumber | text | - | 10-4020-000676;10-4020-000117
Sales.SalesOrderHeader.CustomerID | integer | user.unique_id > customer_id | 29825;29672
Sales.SalesOrderHeader.SalesPersonID | integer | user.unique_id actor | 279;282
Sales.SalesOrderHeader.BillToAddressID | integer | - | 985;921
Sales.SalesOrderHeader.CreditCardApprovalCode | text | user.financial.credit_card | 105041Vi84182;115213Vi29411
Sales.SalesOrderHeader.Comment | text | user.content | -
Sales.SalesOrderDetail.CarrierTrackingNumber | text | - | 4911-403C-98;6431-4D57-83
Sales.SalesOrderDetail.OrderQty | integer | - | 1;3
Sales.SalesPerson.BusinessEntityID | integer! | user.unique_id > salesperson_id | 274;275
Sales.SalesPerson.SalesQuota | number | user.employment | 300000;250000
Sales.SalesPerson.Bonus | number | user.financial.salary | 4100;2000
Sales.SalesPerson.CommissionPct | number | user.financial.salary | 0.012;0.015
Sales.Store.Name | text | - | Next-Door Bike Store;Professional Sales and Service;Riders Company
Sales.Store.SalesPersonID | integer | user.unique_id actor | 279;276
Sales.Store.Demographics | text | - | <StoreSurvey><AnnualSales>800000</AnnualSales></StoreSurvey>
Sales.ShoppingCartItem.ShoppingCartID | text | - | 14951;20621
Sales.SpecialOffer.Description | text | - | No Discount;Volume Discount 11 to 14;Mountain-100 Clearance Sale
Sales.Currency.Name | text | - | Emirati Dirham;Afghani;Lek;Armenian Dram
Sales.SalesTerritory.Name | text | - | Northwest;Northeast;Central
Purchasing.Vendor.Name | text | - | Australia Bike Retailer;Allenson Cycles;Advanced Bicycles;Trikes, Inc.
Purchasing.Vendor.AccountNumber | text+ | - | AUSTRALI0001;ALLENSON0001
Purchasing.Vendor.CreditRating | integer | - | 1;2
Purchasing.Vendor.PurchasingWebServiceURL | text | - | www.litwareinc.com/
Purchasing.PurchaseOrderHeader.EmployeeID | integer | user.unique_id actor | 258;254
Purchasing.PurchaseOrderHeader.VendorID | integer | - | 1580;1496
Purchasing.ShipMethod.Name | text | - | XRQ - TRUCK GROUND;ZY - EXPRESS;OVERSEAS - DELUXE
Production.Product.Name | text | - | Adjustable Race;Bearing Ball;BB Ball Bearing;Headset Ball Bearings;Blade;LL Crankarm
Production.Product.ProductNumber | text+ | - | AR-5381;BA-8327;BE-2349;CA-5965
Production.Product.Color | text | - | Black;Silver;Red
Production.Product.Size | text | - | 58;M;L;44
Production.Product.Weight | number | - | 2.24;1016.04
Production.Product.Style | text | - | U;W;M
Production.ProductReview.ReviewerName | text | user.name | John Smith;David;Jill;Laura Norman
Production.ProductReview.EmailAddress | text | user.contact.email > email | john@fourthcoffee.com;david@graphicdesigninstitute.com
Production.ProductReview.Rating | integer | - | 5;4;2
Production.ProductReview.Comments | text | user.content | I can't believe I'm singing the praises of a pair of socks, but I just came back from a
Production.Document.Owner | integer | user.unique_id | 219;220
Production.Document.FileName | text | - | Documents;Overview.doc;Introduction 1.doc
Production.Location.Name | text | - | Tool Crib;Sheet Metal Racks;Paint Shop
Production.ProductDescription.Description | text | - | Chromoly steel.;Aluminum alloy cups; large diameter spindle.
Production.WorkOrder.ScrappedQty | integer | - | 0;1
Production.UnitMeasure.Name | text | - | Boxes;Bottle;Celsius
Production.Illustration.Diagram | other | - | -
"""


def _known(schema: str, line: str) -> Known:
    place, declared, expected, values = (part.strip() for part in line.split(" | ", 3))
    collection, _, field = place.rpartition(".")
    facts = FieldFacts(field, ValueType(declared.rstrip("!+")), is_key=declared.endswith("!"), is_unique=declared.endswith("+"))
    category, *rest = expected.replace(" > ", " >").split()
    selects = next((word[1:] for word in rest if word.startswith(">")), None)
    samples = () if values == "-" else tuple(values.split(";"))
    return Known(schema, collection, facts, None if category == "-" else category, selects, "actor" in rest, samples)


def fields_of(schema: str, text: str) -> tuple[Known, ...]:
    """The fields of one table of lines."""
    return tuple(_known(schema, line) for line in text.strip().splitlines())


_TABLES = {"Sakila": SAKILA, "Chinook": CHINOOK, "Northwind": NORTHWIND, "Employees": EMPLOYEES, "AdventureWorks": ADVENTUREWORKS}
FIELDS = tuple(field for schema, text in _TABLES.items() for field in fields_of(schema, text))
