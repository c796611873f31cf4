import django.db.models.deletion
import django.utils.timezone
import mailing.encryption
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('letters', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SpentProof',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('spent_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='Import',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('uploaded', 'Being checked'), ('checked', 'Checked'), ('queued', 'Being imported'), ('done', 'Imported'), ('refused', 'Not imported'), ('dropped', 'Dropped')], default='uploaded', max_length=20, verbose_name='State')),
                ('content', mailing.encryption.EncryptedTextField(blank=True)),
                ('found', mailing.encryption.EncryptedJSONField(default=dict)),
                ('visibility', models.CharField(choices=[('public', 'Public'), ('withheld', 'Withheld')], default='withheld', max_length=10)),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('done_at', models.DateTimeField(null=True)),
                ('taken_at', models.DateTimeField(null=True)),
                ('weighed', models.BigIntegerField(default=0)),
                ('last', models.BigIntegerField(default=0)),
                ('letter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='imports', to='letters.letter')),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='imports', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-pk',),
            },
        ),
        migrations.CreateModel(
            name='Organisation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('known', 'In the registry'), ('locked', 'Access locked'), ('merged', 'Merged into another record')], default='known', max_length=20, verbose_name='State')),
                ('name', models.CharField(max_length=250, verbose_name='Name')),
                ('name_en', models.CharField(max_length=250, null=True, verbose_name='Name')),
                ('name_be', models.CharField(max_length=250, null=True, verbose_name='Name')),
                ('name_ru', models.CharField(max_length=250, null=True, verbose_name='Name')),
                ('folded_name', models.CharField(editable=False, max_length=250)),
                ('acronym', models.CharField(blank=True, max_length=40, verbose_name='Acronym')),
                ('country', models.CharField(max_length=2, verbose_name='Country')),
                ('website', models.URLField(blank=True, max_length=300, verbose_name='Website')),
                ('domains', models.JSONField(blank=True, default=list, verbose_name='Domains')),
                ('public_email', models.EmailField(blank=True, help_text='The one that it publishes. It is told there who signs in its name, and can object.', max_length=254, verbose_name='Public e-mail address')),
                ('logo', models.FileField(blank=True, upload_to='logos/', verbose_name='Logo')),
                ('member_since', models.DateField(blank=True, null=True, verbose_name='Member of the coalition since')),
                ('merged_into', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged', to='signatories.organisation')),
            ],
            options={
                'verbose_name': 'organisation',
                'verbose_name_plural': 'organisations',
                'ordering': ('folded_name',),
            },
        ),
        migrations.CreateModel(
            name='MandatedSigner',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', mailing.encryption.EncryptedTextField(verbose_name='Name')),
                ('role', mailing.encryption.EncryptedTextField(blank=True, verbose_name='Role')),
                ('email', mailing.encryption.EncryptedTextField(verbose_name='E-mail')),
                ('mailbox', models.CharField(db_index=True, editable=False, max_length=64)),
                ('since', models.DateField(verbose_name='Since')),
                ('until', models.DateField(blank=True, null=True, verbose_name='Until')),
                ('added_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('added_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mandates_added', to=settings.AUTH_USER_MODEL)),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mandated_signers', to='signatories.organisation')),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('prepared', 'Not sent yet'), ('invited', 'Invited'), ('signed', 'Signed'), ('declined', 'Declined'), ('revoked', 'Taken back')], default='prepared', max_length=20, verbose_name='State')),
                ('name', models.CharField(max_length=250, verbose_name='Name')),
                ('folded_name', models.CharField(editable=False, max_length=250)),
                ('email', mailing.encryption.EncryptedTextField(verbose_name='E-mail')),
                ('mailbox', models.CharField(editable=False, max_length=64)),
                ('language', models.CharField(max_length=10, verbose_name='Language')),
                ('prepared_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('invited_at', models.DateTimeField(null=True)),
                ('chased_at', models.DateTimeField(null=True)),
                ('answered_at', models.DateTimeField(null=True)),
                ('to_chase', models.BooleanField(default=False)),
                ('no_more_mails', models.BooleanField(default=False)),
                ('invited_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to=settings.AUTH_USER_MODEL)),
                ('letter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='letters.letter')),
                ('organisation', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='invitations', to='signatories.organisation')),
            ],
            options={
                'ordering': ('folded_name', 'pk'),
            },
        ),
        migrations.CreateModel(
            name='Alias',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=250, verbose_name='Name')),
                ('folded_name', models.CharField(db_index=True, editable=False, max_length=250)),
                ('language', models.CharField(blank=True, max_length=10, verbose_name='Language')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='aliases', to='signatories.organisation')),
            ],
            options={
                'verbose_name': 'other name',
                'verbose_name_plural': 'other names',
                'ordering': ('pk',),
            },
        ),
        migrations.CreateModel(
            name='Signature',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('unconfirmed', 'Unconfirmed'), ('pending', 'Under review'), ('asked', 'Question asked'), ('approved', 'Approved'), ('rejected', 'Rejected'), ('lapsed', 'Lapsed'), ('withdrawn', 'Withdrawn')], default='unconfirmed', max_length=20, verbose_name='State')),
                ('kind', models.CharField(choices=[('organisation', 'Organisation'), ('individual', 'Individual')], default='organisation', max_length=12, verbose_name='Who signs')),
                ('visibility', models.CharField(choices=[('public', 'Public'), ('withheld', 'Withheld')], max_length=10, verbose_name='Visibility')),
                ('is_lead', models.BooleanField(default=False, verbose_name='Lead organisation')),
                ('position', models.PositiveIntegerField(blank=True, null=True, verbose_name='Place in the list')),
                ('name', models.CharField(max_length=250, verbose_name='Name')),
                ('name_en', models.CharField(max_length=250, null=True, verbose_name='Name')),
                ('name_be', models.CharField(max_length=250, null=True, verbose_name='Name')),
                ('name_ru', models.CharField(max_length=250, null=True, verbose_name='Name')),
                ('folded_name', models.CharField(editable=False, max_length=250)),
                ('affiliation', models.CharField(blank=True, max_length=250, verbose_name='Affiliation, for identification only')),
                ('country', models.CharField(max_length=2, verbose_name='Country')),
                ('website', models.URLField(blank=True, max_length=300, verbose_name='Website')),
                ('logo', models.FileField(blank=True, upload_to='logos/', verbose_name='Logo')),
                ('representative', mailing.encryption.EncryptedTextField(blank=True, verbose_name='Representative')),
                ('role', mailing.encryption.EncryptedTextField(blank=True, verbose_name='Role')),
                ('email', mailing.encryption.EncryptedTextField(blank=True, verbose_name='E-mail')),
                ('mailbox', models.CharField(blank=True, editable=False, max_length=64)),
                ('language', models.CharField(max_length=10, verbose_name='Language')),
                ('via', models.CharField(choices=[('form', 'Through the form'), ('mail', 'By mail'), ('messenger', 'By messenger'), ('telephone', 'By telephone'), ('import', 'By import')], default='form', max_length=12, verbose_name='Received')),
                ('link_generation', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('held_since', models.PositiveSmallIntegerField(default=0, editable=False)),
                ('secret_index', models.CharField(blank=True, db_index=True, editable=False, max_length=64)),
                ('grade', models.PositiveSmallIntegerField(default=0, verbose_name='Evidence')),
                ('risk', models.PositiveSmallIntegerField(default=0, verbose_name='Doubt')),
                ('signed_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='Signed')),
                ('link_mailed_at', models.DateTimeField(editable=False, null=True)),
                ('reminded_at', models.DateTimeField(editable=False, null=True)),
                ('no_reminders', models.BooleanField(default=False, editable=False)),
                ('confirmed_at', models.DateTimeField(blank=True, null=True, verbose_name='Confirmed')),
                ('disputed_at', models.DateTimeField(blank=True, null=True, verbose_name='Objected to by the organisation')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='Decided')),
                ('reason', models.CharField(blank=True, choices=[('authority', 'We could not establish that the person who signed may speak for the organisation.'), ('unknown', 'We could not establish that the organisation exists.'), ('duplicate', 'The organisation has signed this letter already.'), ('scope', 'This letter is co-signed by organisations only, and this is not one.'), ('before', 'It was rejected before this site kept the signatures.')], max_length=20, verbose_name='Reason')),
                ('delivered_at', models.DateTimeField(blank=True, null=True, verbose_name='First sent in an edition')),
                ('forgotten_at', models.DateTimeField(blank=True, null=True, verbose_name='Contact deleted')),
                ('bounced_at', models.DateTimeField(blank=True, null=True, verbose_name='Mails come back since')),
                ('bounced_for', models.CharField(blank=True, choices=[('mailbox', 'there is no such mailbox, or it is closed'), ('policy', 'it is against the policy of the mail server: blocked, or taken for spam'), ('size', 'the mail is too large, or the mailbox is full'), ('ours', 'the mail server does not take our sender or our mail server: an operator has to look'), ('other', 'for another reason')], editable=False, max_length=10)),
                ('asked_version', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='letters.version')),
                ('assigned_to', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='assignments', to=settings.AUTH_USER_MODEL)),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to=settings.AUTH_USER_MODEL)),
                ('invitation', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='signatures', to='signatories.invitation')),
                ('letter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='signatures', to='letters.letter')),
                ('locked_with', models.ManyToManyField(editable=False, related_name='locked_too', to='signatories.organisation')),
                ('organisation', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='signatures', to='signatories.organisation')),
                ('recorded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='signatures_recorded', to=settings.AUTH_USER_MODEL)),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='signatures', to='letters.version')),
            ],
            options={
                'verbose_name': 'signature',
                'verbose_name_plural': 'signatures',
                'ordering': ('pk',),
            },
        ),
        migrations.CreateModel(
            name='Question',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', mailing.encryption.EncryptedTextField(verbose_name='Question')),
                ('asked_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('answer', mailing.encryption.EncryptedTextField(blank=True, verbose_name='Answer')),
                ('answered_at', models.DateTimeField(null=True)),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='questions', to=settings.AUTH_USER_MODEL)),
                ('signature', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='questions', to='signatories.signature')),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.CreateModel(
            name='Note',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', mailing.encryption.EncryptedTextField(verbose_name='Note')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notes', to=settings.AUTH_USER_MODEL)),
                ('signature', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='signatories.signature')),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.CreateModel(
            name='NameKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(max_length=12)),
                ('key', models.CharField(max_length=64)),
                ('organisation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='name_keys', to='signatories.organisation')),
                ('signature', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='name_keys', to='signatories.signature')),
            ],
        ),
        migrations.CreateModel(
            name='Handover',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('offered', 'Waits for the new representative'), ('accepted', 'Accepted'), ('ended', 'Taken back or expired')], default='offered', max_length=20)),
                ('representative', mailing.encryption.EncryptedTextField()),
                ('role', mailing.encryption.EncryptedTextField()),
                ('email', mailing.encryption.EncryptedTextField()),
                ('mailbox', models.CharField(max_length=64)),
                ('language', models.CharField(max_length=10)),
                ('offered_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('signature', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='handovers', to='signatories.signature')),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.CreateModel(
            name='Evidence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('grade', models.PositiveSmallIntegerField()),
                ('address', models.URLField(blank=True, max_length=500, verbose_name='Where it was announced')),
                ('dated', models.DateField(blank=True, null=True, verbose_name='When')),
                ('note', mailing.encryption.EncryptedTextField(blank=True, verbose_name='Note')),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='evidence_given', to=settings.AUTH_USER_MODEL)),
                ('signature', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='evidence', to='signatories.signature')),
            ],
            options={
                'ordering': ('-grade', 'pk'),
            },
        ),
        migrations.CreateModel(
            name='Correction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('pending', 'Under review'), ('accepted', 'Accepted'), ('declined', 'Declined')], default='pending', max_length=20)),
                ('changes', mailing.encryption.EncryptedJSONField()),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='corrections_decided', to=settings.AUTH_USER_MODEL)),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='corrections_made', to=settings.AUTH_USER_MODEL)),
                ('signature', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='corrections', to='signatories.signature')),
            ],
            options={
                'ordering': ('pk',),
            },
        ),
        migrations.AddConstraint(
            model_name='organisation',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'merged'), _negated=True), fields=('folded_name', 'country'), name='organisation_known_once'),
        ),
        migrations.AddConstraint(
            model_name='organisation',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('merged_into__isnull', False), ('status', 'merged')), models.Q(models.Q(('status', 'merged'), _negated=True), ('merged_into__isnull', True)), _connector='OR'), name='merged_organisation_leads_on'),
        ),
        migrations.AddConstraint(
            model_name='mandatedsigner',
            constraint=models.UniqueConstraint(fields=('organisation', 'mailbox'), name='mandated_signer_known_once'),
        ),
        migrations.AddConstraint(
            model_name='invitation',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'revoked'), _negated=True), fields=('letter', 'mailbox', 'folded_name'), name='organisation_invited_once'),
        ),
        migrations.AddConstraint(
            model_name='alias',
            constraint=models.UniqueConstraint(fields=('organisation', 'folded_name'), name='alias_stated_once'),
        ),
        migrations.AddIndex(
            model_name='signature',
            index=models.Index(fields=['letter', 'status', 'folded_name'], name='signatures_in_order'),
        ),
        migrations.AddIndex(
            model_name='signature',
            index=models.Index(fields=['status', 'letter', 'risk'], name='signatures_in_queue'),
        ),
        migrations.AddIndex(
            model_name='signature',
            index=models.Index(fields=['mailbox'], name='signatures_of_mailbox'),
        ),
        migrations.AddIndex(
            model_name='signature',
            index=models.Index(fields=['letter', 'signed_at'], name='signatures_by_time'),
        ),
        migrations.AddIndex(
            model_name='signature',
            index=models.Index(fields=['status', 'signed_at'], name='signatures_to_forget'),
        ),
        migrations.AddIndex(
            model_name='signature',
            index=models.Index(fields=['bounced_at'], name='signatures_out_of_reach'),
        ),
        migrations.AddConstraint(
            model_name='signature',
            constraint=models.UniqueConstraint(condition=models.Q(models.Q(('status', 'withdrawn'), _negated=True), models.Q(('mailbox', ''), _negated=True)), fields=('letter', 'mailbox', 'folded_name'), name='signature_is_one_row'),
        ),
        migrations.AddConstraint(
            model_name='signature',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'approved')), fields=('letter', 'organisation'), name='organisation_approved_once'),
        ),
        migrations.AddConstraint(
            model_name='signature',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'approved'), _negated=True), ('organisation__isnull', False), ('kind', 'individual'), _connector='OR'), name='approved_has_organisation'),
        ),
        migrations.AddConstraint(
            model_name='signature',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('decided_by__isnull', True)), models.Q(('decided_at__isnull', False), ('decided_by__isnull', False)), _connector='OR'), name='decision_has_who_and_when'),
        ),
        migrations.AddConstraint(
            model_name='signature',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'rejected'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='rejected_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='question',
            constraint=models.UniqueConstraint(condition=models.Q(('answered_at', None)), fields=('signature',), name='one_open_question_a_signature'),
        ),
        migrations.AddIndex(
            model_name='namekey',
            index=models.Index(fields=['key', 'kind'], name='names_that_meet'),
        ),
        migrations.AddConstraint(
            model_name='namekey',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('organisation__isnull', False), ('signature__isnull', True)), models.Q(('organisation__isnull', True), ('signature__isnull', False)), _connector='OR'), name='name_key_is_of_one'),
        ),
        migrations.AddConstraint(
            model_name='handover',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'offered')), fields=('signature',), name='one_open_handover_a_signature'),
        ),
        migrations.AddConstraint(
            model_name='correction',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'pending')), fields=('signature',), name='one_open_correction_a_signature'),
        ),
    ]
