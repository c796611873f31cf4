import django.db.models.deletion
import django.utils.timezone
import mailing.encryption
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('letters', '0001_initial'),
        ('signatories', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Covering',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(max_length=200, verbose_name='Subject')),
                ('subject_en', models.CharField(max_length=200, null=True, verbose_name='Subject')),
                ('subject_be', models.CharField(max_length=200, null=True, verbose_name='Subject')),
                ('subject_ru', models.CharField(max_length=200, null=True, verbose_name='Subject')),
                ('body', models.TextField(verbose_name='Text')),
                ('body_en', models.TextField(null=True, verbose_name='Text')),
                ('body_be', models.TextField(null=True, verbose_name='Text')),
                ('body_ru', models.TextField(null=True, verbose_name='Text')),
                ('letter', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='covering', to='letters.letter')),
            ],
            options={
                'verbose_name': 'covering text',
                'verbose_name_plural': 'covering texts',
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(choices=[('email', 'E-mail'), ('post', 'Registered post'), ('web', 'Web form of the office'), ('hand', 'By hand'), ('fax', 'Fax')], default='email', max_length=10)),
                ('address', models.TextField()),
                ('language', models.CharField(max_length=10)),
                ('message_id', models.CharField(max_length=200)),
                ('status', models.CharField(choices=[('queued', 'Waiting'), ('claimed', 'Being connected'), ('sending', 'Being handed over'), ('accepted', 'Accepted by a mail server'), ('deferred', 'Put off by the mail server'), ('failed', 'Refused by the mail server'), ('unknown', 'Not known'), ('cancelled', 'Cancelled'), ('bounced', 'Came back'), ('registered', 'Registered by the office'), ('to_print', 'Waits for a person'), ('posted', 'Sent off by a person'), ('delivered', 'Handed to the office'), ('returned', 'Not taken by the office'), ('refused', 'Refused to receive')], default='queued', max_length=20)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('not_before', models.DateTimeField(default=django.utils.timezone.now)),
                ('lease_until', models.DateTimeField(null=True)),
                ('first_tried_at', models.DateTimeField(null=True)),
                ('settled_at', models.DateTimeField(null=True)),
                ('stage', models.CharField(blank=True, max_length=20)),
                ('code', models.PositiveSmallIntegerField(null=True)),
                ('answer', models.TextField(blank=True)),
                ('refusal', models.CharField(blank=True, choices=[('mailbox', 'there is no such mailbox, or it is closed'), ('policy', 'it is against the policy of the mail server: blocked, or taken for spam'), ('size', 'the mail is too large, or the mailbox is full'), ('ours', 'the mail server does not take our sender or our mail server: an operator has to look'), ('other', 'for another reason')], max_length=10)),
                ('relay_id', models.CharField(blank=True, max_length=100)),
                ('taken_at', models.DateTimeField(null=True)),
                ('taken_by', models.CharField(blank=True, max_length=255)),
                ('taken_how', models.CharField(blank=True, choices=[('notice', 'a delivery notice'), ('log', 'the log of our mail server')], max_length=10)),
                ('tracking', models.CharField(blank=True, max_length=100)),
                ('ended_on', models.DateField(null=True)),
                ('is_returned', models.BooleanField(default=False)),
                ('refused_on', models.DateField(null=True)),
                ('registered_on', models.DateField(null=True)),
                ('registered_as', models.CharField(blank=True, max_length=100)),
                ('reminded_at', models.DateTimeField(null=True)),
                ('after', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='next_rungs', to='dispatch.delivery')),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('began_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField()),
                ('stage', models.CharField(max_length=20)),
                ('code', models.PositiveSmallIntegerField(null=True)),
                ('answer', models.TextField(blank=True)),
                ('connection', models.JSONField(default=dict)),
                ('dialogue', models.TextField(blank=True)),
                ('message_sha256', models.CharField(blank=True, max_length=64)),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='conversations', to='dispatch.delivery')),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.CreateModel(
            name='Dispatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('prepared', 'Prepared'), ('authorised', 'Authorised'), ('sending', 'Being sent'), ('done', 'Done'), ('halted', 'Halted'), ('cancelled', 'Cancelled')], default='prepared', max_length=20)),
                ('prepared_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('authorised_at', models.DateTimeField(null=True)),
                ('authorised_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='dispatches_authorised', to=settings.AUTH_USER_MODEL)),
                ('prepared_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='dispatches_prepared', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.AddField(
            model_name='delivery',
            name='dispatch',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='dispatch.dispatch'),
        ),
        migrations.CreateModel(
            name='Edition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('content', models.JSONField()),
                ('sha256', models.CharField(max_length=64)),
                ('reference', models.CharField(max_length=60, unique=True)),
                ('status', models.CharField(choices=[('cut', 'Being typeset'), ('rendered', 'Being sealed'), ('sealed', 'Sealed'), ('superseded', 'Superseded'), ('failed', 'Could not be typeset')], default='cut', max_length=20)),
                ('failure', models.TextField(blank=True)),
                ('cut_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('cut_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='editions_cut', to=settings.AUTH_USER_MODEL)),
                ('letter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='editions', to='letters.letter')),
                ('signatures', models.ManyToManyField(related_name='editions', to='signatories.signature')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='editions', to='letters.version')),
            ],
            options={
                'ordering': ('number',),
            },
        ),
        migrations.AddField(
            model_name='dispatch',
            name='edition',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='dispatches', to='dispatch.edition'),
        ),
        migrations.AddField(
            model_name='delivery',
            name='edition',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='dispatch.edition'),
        ),
        migrations.CreateModel(
            name='EditionFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(max_length=10)),
                ('rendered', models.CharField(blank=True, max_length=200)),
                ('sealed', models.CharField(blank=True, max_length=200)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('size', models.PositiveIntegerField(default=0)),
                ('pages', models.PositiveSmallIntegerField(default=0)),
                ('sealed_at', models.DateTimeField(null=True)),
                ('certificate', models.CharField(blank=True, max_length=64)),
                ('waits_since', models.DateTimeField(null=True)),
                ('not_before', models.DateTimeField(default=django.utils.timezone.now)),
                ('edition', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='files', to='dispatch.edition')),
            ],
            options={
                'ordering': ('language',),
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64, unique=True)),
                ('kind', models.CharField(choices=[('failed', 'It could not be brought to the recipient'), ('delayed', 'It is delayed, and still being tried'), ('taken', 'The recipient’s mail server has taken it'), ('automatic', 'An automatic answer: nobody has written it'), ('reply', 'A reply'), ('unclear', 'A notice that the machine can’t read: read it in the mailbox'), ('unmatched', 'It belongs to no delivery')], max_length=10)),
                ('attempt', models.PositiveSmallIntegerField(null=True)),
                ('status', models.CharField(blank=True, max_length=20)),
                ('said', models.TextField(blank=True)),
                ('server', models.CharField(blank=True, max_length=255)),
                ('read_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('delivery', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='dispatch.delivery')),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.CreateModel(
            name='Recipient',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('to', 'Addressee'), ('cc', 'Copy')], max_length=2, verbose_name='Kind')),
                ('order', models.PositiveSmallIntegerField(verbose_name='Order')),
                ('title', models.CharField(max_length=250, verbose_name='Office, in the nominative')),
                ('title_en', models.CharField(max_length=250, null=True, verbose_name='Office, in the nominative')),
                ('title_be', models.CharField(max_length=250, null=True, verbose_name='Office, in the nominative')),
                ('title_ru', models.CharField(max_length=250, null=True, verbose_name='Office, in the nominative')),
                ('name', models.CharField(max_length=250, verbose_name='Name, in the nominative')),
                ('name_en', models.CharField(max_length=250, null=True, verbose_name='Name, in the nominative')),
                ('name_be', models.CharField(max_length=250, null=True, verbose_name='Name, in the nominative')),
                ('name_ru', models.CharField(max_length=250, null=True, verbose_name='Name, in the nominative')),
                ('address_block', models.TextField(verbose_name='Address block')),
                ('address_block_en', models.TextField(null=True, verbose_name='Address block')),
                ('address_block_be', models.TextField(null=True, verbose_name='Address block')),
                ('address_block_ru', models.TextField(null=True, verbose_name='Address block')),
                ('salutation', models.CharField(max_length=200, verbose_name='Salutation')),
                ('salutation_en', models.CharField(max_length=200, null=True, verbose_name='Salutation')),
                ('salutation_be', models.CharField(max_length=200, null=True, verbose_name='Salutation')),
                ('salutation_ru', models.CharField(max_length=200, null=True, verbose_name='Salutation')),
                ('language', models.CharField(max_length=10, verbose_name='Language of the mail')),
                ('channel', models.CharField(choices=[('email', 'E-mail'), ('post', 'Registered post'), ('web', 'Web form of the office'), ('hand', 'By hand'), ('fax', 'Fax')], default='email', max_length=10, verbose_name='Goes by')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='E-mail')),
                ('web_form', models.URLField(blank=True, max_length=300, verbose_name='Address of the web form')),
                ('fax', models.CharField(blank=True, max_length=40, verbose_name='Fax number')),
                ('requirements', models.TextField(blank=True, max_length=2000, verbose_name='Formal requirements of the office')),
                ('answer_days', models.PositiveSmallIntegerField(blank=True, null=True, verbose_name='Legal term for an answer, in days')),
                ('term_source', models.CharField(blank=True, max_length=250, verbose_name='Source of the legal term')),
                ('term_source_en', models.CharField(blank=True, max_length=250, null=True, verbose_name='Source of the legal term')),
                ('term_source_be', models.CharField(blank=True, max_length=250, null=True, verbose_name='Source of the legal term')),
                ('term_source_ru', models.CharField(blank=True, max_length=250, null=True, verbose_name='Source of the legal term')),
                ('verified_on', models.DateField(blank=True, null=True, verbose_name='Address last verified on')),
                ('letter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recipients', to='letters.letter')),
                ('verified_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='recipients_verified', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'recipient',
                'verbose_name_plural': 'recipients',
                'ordering': ('order',),
            },
        ),
        migrations.CreateModel(
            name='FurtherAddress',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(choices=[('email', 'E-mail'), ('post', 'Registered post'), ('web', 'Web form of the office'), ('hand', 'By hand'), ('fax', 'Fax')], max_length=10, verbose_name='Goes by')),
                ('address', models.TextField(max_length=500, verbose_name='Address')),
                ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='further_addresses', to='dispatch.recipient')),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.AddField(
            model_name='delivery',
            name='recipient',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='dispatch.recipient'),
        ),
        migrations.CreateModel(
            name='Reply',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('unread', 'Not looked at yet'), ('answer', 'An answer to the letter'), ('receipt', 'A confirmation that it came in, no answer yet'), ('other', 'Not an answer to the letter')], default='unread', max_length=10, verbose_name='What it is')),
                ('channel', models.CharField(choices=[('email', 'E-mail'), ('post', 'Registered post'), ('web', 'Web form of the office'), ('hand', 'By hand'), ('fax', 'Fax')], max_length=10, verbose_name='Came by')),
                ('received_on', models.DateField(verbose_name='Date')),
                ('number', models.CharField(blank=True, max_length=100, verbose_name='Number the office gave it')),
                ('sender', mailing.encryption.EncryptedTextField(blank=True)),
                ('subject', mailing.encryption.EncryptedTextField(blank=True)),
                ('text', mailing.encryption.EncryptedTextField(blank=True, verbose_name='Text')),
                ('summary', models.TextField(blank=True, max_length=2000, verbose_name='Summary for the public')),
                ('summary_en', models.TextField(blank=True, max_length=2000, null=True, verbose_name='Summary for the public')),
                ('summary_be', models.TextField(blank=True, max_length=2000, null=True, verbose_name='Summary for the public')),
                ('summary_ru', models.TextField(blank=True, max_length=2000, null=True, verbose_name='Summary for the public')),
                ('published_at', models.DateTimeField(null=True)),
                ('filed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='replies', to='dispatch.delivery')),
                ('filed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replies_filed', to=settings.AUTH_USER_MODEL)),
                ('published_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replies_published', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('received_on', 'pk'),
            },
        ),
        migrations.CreateModel(
            name='Evidence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('screenshot', 'Screenshot'), ('receipt', 'Receipt'), ('reply', 'Reply of the office'), ('other', 'Something else')], max_length=10, verbose_name='What the file shows')),
                ('path', models.CharField(max_length=200)),
                ('content_type', models.CharField(max_length=40)),
                ('size', models.PositiveIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('added_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('added_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='evidence_added', to=settings.AUTH_USER_MODEL)),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='evidence', to='dispatch.delivery')),
                ('reply', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='files', to='dispatch.reply')),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.AddConstraint(
            model_name='edition',
            constraint=models.UniqueConstraint(fields=('letter', 'number'), name='edition_number_is_the_letters_own'),
        ),
        migrations.AddConstraint(
            model_name='dispatch',
            constraint=models.CheckConstraint(condition=models.Q(('authorised_by__isnull', True), models.Q(('authorised_by', models.F('prepared_by')), _negated=True), _connector='OR'), name='dispatch_takes_two_people'),
        ),
        migrations.AddConstraint(
            model_name='dispatch',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ('prepared', 'cancelled')), ('authorised_by__isnull', False), _connector='OR'), name='dispatch_is_authorised_before_it_goes'),
        ),
        migrations.AddConstraint(
            model_name='editionfile',
            constraint=models.UniqueConstraint(fields=('edition', 'language'), name='edition_file_of_language_once'),
        ),
        migrations.AddConstraint(
            model_name='recipient',
            constraint=models.UniqueConstraint(condition=models.Q(('email', ''), _negated=True), fields=('letter', 'email'), name='recipient_of_letter_once'),
        ),
        migrations.AddConstraint(
            model_name='recipient',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('verified_by__isnull', True), ('verified_on__isnull', True)), models.Q(('verified_by__isnull', False), ('verified_on__isnull', False)), _connector='OR'), name='recipient_is_verified_by_somebody'),
        ),
        migrations.AddConstraint(
            model_name='furtheraddress',
            constraint=models.UniqueConstraint(fields=('recipient', 'channel', 'address'), name='further_address_once'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['status', 'not_before'], name='delivery_due'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(condition=models.Q(('channel', 'email'), models.Q(('status', 'cancelled'), _negated=True)), fields=('edition', 'address'), name='edition_goes_to_an_address_once'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(condition=models.Q(models.Q(('channel', 'email'), _negated=True), models.Q(('status__in', ('cancelled', 'returned', 'refused')), _negated=True)), fields=('edition', 'recipient', 'channel', 'address'), name='edition_is_carried_to_an_address_once_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'registered'), _negated=True), ('registered_on__isnull', False), _connector='OR'), name='delivery_is_registered_on_a_day'),
        ),
        migrations.AddConstraint(
            model_name='reply',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('published_at__isnull', True), ('published_by__isnull', True)), models.Q(('published_at__isnull', False), ('published_by__isnull', False)), _connector='OR'), name='reply_is_published_by_somebody'),
        ),
    ]
