import django.db.models.deletion
import django.utils.timezone
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
        migrations.CreateModel(
            name='Dispatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('prepared', 'Prepared'), ('authorised', 'Authorised'), ('sending', 'Being sent'), ('done', 'Done'), ('halted', 'Halted'), ('cancelled', 'Cancelled')], default='prepared', max_length=20)),
                ('prepared_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('authorised_at', models.DateTimeField(null=True)),
                ('authorised_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='dispatches_authorised', to=settings.AUTH_USER_MODEL)),
                ('prepared_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='dispatches_prepared', to=settings.AUTH_USER_MODEL)),
                ('edition', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='dispatches', to='dispatch.edition')),
            ],
            options={
                'ordering': ('pk',),
            },
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
                ('email', models.EmailField(max_length=254, verbose_name='E-mail')),
                ('language', models.CharField(max_length=10, verbose_name='Language of the mail')),
                ('letter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recipients', to='letters.letter')),
            ],
            options={
                'verbose_name': 'recipient',
                'verbose_name_plural': 'recipients',
                'ordering': ('order',),
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.EmailField(max_length=254)),
                ('language', models.CharField(max_length=10)),
                ('message_id', models.CharField(max_length=200)),
                ('status', models.CharField(choices=[('queued', 'Waiting'), ('claimed', 'Being connected'), ('sending', 'Being handed over'), ('accepted', 'Accepted by the mail server'), ('deferred', 'Put off by the mail server'), ('failed', 'Refused'), ('unknown', 'Not known'), ('cancelled', 'Cancelled')], default='queued', max_length=20)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('not_before', models.DateTimeField(default=django.utils.timezone.now)),
                ('lease_until', models.DateTimeField(null=True)),
                ('first_tried_at', models.DateTimeField(null=True)),
                ('settled_at', models.DateTimeField(null=True)),
                ('stage', models.CharField(blank=True, max_length=20)),
                ('code', models.PositiveSmallIntegerField(null=True)),
                ('answer', models.TextField(blank=True)),
                ('dispatch', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='dispatch.dispatch')),
                ('edition', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='dispatch.edition')),
                ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='dispatch.recipient')),
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
            constraint=models.UniqueConstraint(fields=('letter', 'email'), name='recipient_of_letter_once'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['status', 'not_before'], name='delivery_due'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'cancelled'), _negated=True), fields=('edition', 'address'), name='edition_goes_to_an_address_once'),
        ),
    ]
