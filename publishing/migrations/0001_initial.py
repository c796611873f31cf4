import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Lease',
            fields=[
                ('name', models.CharField(max_length=60, primary_key=True, serialize=False)),
                ('holder', models.CharField(max_length=64)),
                ('until', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Mirror',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('where', models.CharField(max_length=500, unique=True)),
                ('key', models.CharField(max_length=32)),
                ('address', models.CharField(blank=True, max_length=200)),
                ('level', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ('address', 'where'),
            },
        ),
        migrations.CreateModel(
            name='Touch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(max_length=120)),
                ('not_before', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
            ],
        ),
    ]
